import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { journalStat, loadCursor, readJournal } from '../../src/lib/journal/index.ts'
import { isRunning, numbered, numbersOf, Site } from './staged.ts'

const range = (from: number, to: number) => numbersOf(numbered(from, to))

t.test('a pipeline that hangs after the end of its input is ended, and tried again', async (t) => {
  const site = new Site(t.testdir())
  await site.append('a', numbered(0, 10))
  const hung = join(site.dataDir, 'hung')
  const pids = join(site.dataDir, 'pids')
  const pipeline = `test -e '${hung}' && exec cat; touch '${hung}'; cat; sleep 1000 & echo $! > '${pids}'; wait`
  const { code, stderr } = await site.once(pipeline, ['--drain-seconds', '0'])
  t.equal(code, 0, stderr)
  t.match(stderr, /it hung and was ended: its input had ended, and for \d+ s it did nothing/)
  t.notOk(isRunning(Number(readFileSync(pids, 'utf8'))))
  t.same([...new Set(numbersOf(await site.records('b')))], range(0, 10))
  t.same(await site.records('errors'), [], 'no record was blamed')
})

t.test('one that works in silence after the end of its input is left alone', async (t) => {
  const site = new Site(t.testdir())
  await site.append('a', numbered(0, 10))
  // Longer than a pipeline may hang; SECONDS is the shell's own clock.
  const pipeline = `text=$(cat); SECONDS=0; while ((SECONDS < 13)); do :; done; printf '%s\\n' "$text"`
  const { code, stderr } = await site.once(pipeline, ['--drain-seconds', '0'])
  t.equal(code, 0, stderr)
  t.notMatch(stderr, 'hung')
  t.same(numbersOf(await site.records('b')), range(0, 10))
})

t.test('a flood out of one record takes no memory, and stops with the stage', async (t) => {
  const site = new Site(t.testdir())
  await site.append('a', numbered(0, 1))
  const stage = site.stage(`yes '{"type":"flood"}'`, ['--drain-seconds', '0.5'])
  while ((await journalStat(site.path('b'))).bytes < 64e6) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const peakKb = Number(
    /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${stage.child.pid}/status`, 'utf8'))?.[1],
  )
  t.ok(peakKb > 10_000 && peakKb < 250_000, `peak ${peakKb} kB`)
  const { code, stderr } = await stage.kill('SIGTERM')
  t.equal(code, 0, stderr)
  t.match(stderr, 'the pipeline did not drain')
  for await (const { lines } of readJournal(site.path('b'))) {
    if (!/^(?:\{"type":"flood"\}\n)+$/.test(lines.toString())) t.fail('a line that nobody printed')
  }
  t.match(await loadCursor(site.path('a'), 's'), { cursor: {} })
  t.match(await site.once('cat'), { code: 0 })
  t.same(numbersOf((await site.records('b')).filter(({ type }) => type === 'test')), [0])
})

t.test('a line without end is left out, and told', async (t) => {
  const site = new Site(t.testdir())
  await site.append('a', numbered(0, 1))
  t.match(await site.once(`head -c 40000000 /dev/zero | tr '\\0' x; echo; cat`), { code: 1 })
  t.same(numbersOf(await site.records('b')), [0])
  t.match(await site.records('errors'), [{ code: 'E_LINE_TOO_LONG', stage: 's' }])
})

t.test(
  'half a line counts when the pipeline has ended well, and not when it has not',
  async (t) => {
    const site = new Site(t.testdir())
    await site.append('a', numbered(0, 1))
    const failed = await site.once(`cat >/dev/null; printf '{"type":"test","n":7}'; exit 3`)
    t.equal(failed.code, 69, failed.stderr)
    t.same(await site.records('b'), [])
    t.match(await site.once(`cat; printf '{"type":"test","n":1}'`), { code: 0 })
    t.same(numbersOf(await site.records('b')), [0, 1])
    await site.append('a', numbered(2, 3))
    t.match(await site.once(`cat; printf '{"type":"te'`), { code: 1 })
    t.same(numbersOf(await site.records('b')), [0, 1, 2])
    t.match((await site.records('errors')).at(-1), {
      code: 'E_STAGE_OUTPUT',
      record: '{"type":"te',
    })
  },
)
