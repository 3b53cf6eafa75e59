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
  // Longer than a pipeline may hang; SECONDS is the shell's own clock. It computes a part of the time: nothing ever
  // comes through its descriptor 3.
  const compute = 'for ((n = 0; n < 10000; n++)); do :; done; read -t 0.1 -u 3'
  const pipeline = `text=$(cat); exec 3<> <(:); SECONDS=0; while ((SECONDS < 13)); do ${compute}; done; printf '%s\\n' "$text"`
  const { code, stderr } = await site.once(pipeline, ['--drain-seconds', '0'])
  t.equal(code, 0, stderr)
  t.notMatch(stderr, 'hung')
  t.same(numbersOf(await site.records('b')), range(0, 10))
})

/** A filter that does `act` at record 5, and passes all others on. */
const atFive = (act: string) =>
  `while IFS= read -r line; do case $line in *'"n":5}'*) ${act};; esac; printf '%s\\n' "$line"; done`
const butFive = range(0, 10).filter((n) => n !== 5)

/** 0 when it has just ended. */
const peakKb = (pid: number | undefined) =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1] ?? 0)

t.test('a record that makes the pipeline flood is set aside, others come through', async (t) => {
  const floods: readonly [string, RegExp][] = [
    [`yes '{"type":"flood"}'`, /it flooded and was ended: it printed more than \d+ MiB without/],
    ['yes', /it printed more than 20000 lines that are no records/],
    [`tr '\\0' x </dev/zero`, /it printed more than \d+ MiB without/],
  ]
  for (const [flood, words] of floods) {
    const site = new Site(t.testdir())
    await site.append('a', numbered(0, 10))
    const stage = site.stage(atFive(flood), ['--once', '--flood-mib', '24'])
    let peak = 0
    const look = setInterval(() => (peak = Math.max(peak, peakKb(stage.child.pid))), 100)
    stage.child.once('exit', () => clearInterval(look))
    const { code, stderr } = await stage.ended
    t.equal(code, 1, stderr)
    t.ok(peak < 250_000, `${flood}: peak ${peak} kB`)
    const passed = (await site.records('b')).filter(({ type }) => type === 'test')
    t.same([...new Set(numbersOf(passed))], butFive, flood)
    const poison = (await site.records('errors')).filter(({ code }) => code === 'E_STAGE_POISON')
    t.match(poison, [{ record: { n: 5 }, message: words }])
    // The first flood was not expected; of the others nothing is appended.
    t.ok((await journalStat(site.path('b'))).bytes < 32 << 20)
  }
})

t.test('a pipeline that floods whatever it is given does not fill the disk', async (t) => {
  const site = new Site(t.testdir())
  await site.append('a', numbered(0, 10))
  const { code, stderr } = await site.once(`yes '{"type":"flood"}'`, ['--flood-mib', '24'])
  t.equal(code, 69, stderr)
  t.match(stderr, 'it flooded and was ended')
  t.ok((await journalStat(site.path('b'))).bytes < 32 << 20)
  t.same(await site.records('errors'), [], 'no record was blamed')
  t.match(await site.once('cat'), { code: 0 })
})

t.test('a flood within the limit takes no memory, and stops with the stage', async (t) => {
  const site = new Site(t.testdir())
  await site.append('a', numbered(0, 1))
  const args = ['--drain-seconds', '0.5', '--flood-mib', '0']
  const stage = site.stage(`yes '{"type":"flood"}'`, args)
  while ((await journalStat(site.path('b'))).bytes < 64e6) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const peak = peakKb(stage.child.pid)
  t.ok(peak > 10_000 && peak < 250_000, `peak ${peak} kB`)
  const { code, stderr } = await stage.kill('SIGTERM')
  t.equal(code, 0, stderr)
  t.match(stderr, 'the pipeline did not drain')
  for await (const { lines } of readJournal(site.path('b'))) {
    if (!/^(?:\{"type":"flood"\}\n)+$/.test(lines.toString())) t.fail('a line that nobody printed')
  }
  t.match(await loadCursor(site.path('a'), 's'), { cursor: {} })
})

t.test('a record at which the pipeline gets stuck is set aside, others come through', async (t) => {
  for (const act of ['while :; do :; done', 'sleep 1000']) {
    const site = new Site(t.testdir())
    await site.append('a', numbered(0, 10))
    const { code, stderr } = await site.once(atFive(act), ['--stuck-seconds', '2'])
    t.equal(code, 1, stderr)
    t.match(stderr, /it was stuck and was ended: for \d+ s it read, wrote and printed nothing/)
    t.same([...new Set(numbersOf(await site.records('b')))], butFive)
    t.match(await site.records('errors'), [{ code: 'E_STAGE_POISON', record: { n: 5 } }])
  }
})

t.test(
  'a pipeline that never reads its input is ended and told, and blames no record',
  async (t) => {
    const site = new Site(t.testdir())
    const long = 'x'.repeat(1000)
    await site.append(
      'a',
      numbered(0, 2000).map((record) => ({ ...record, long })),
    )
    const args = ['--stuck-seconds', '2', '--drain-seconds', '0.1']
    const stage = site.stage('sleep 1000', args)
    await stage.untilSaid('it did not read its input, and did nothing else')
    await stage.kill('SIGTERM')
    t.same(await site.records('errors'), [])
    t.match(await site.once('cat >/dev/null'), { code: 0 }, 'who reads all and ends well is done')
    await site.untilCommitted('a', 's')
    t.same(await site.records('b'), [])
  },
)

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
