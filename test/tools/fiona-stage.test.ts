import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadCursor } from '../../src/lib/journal/index.ts'
import { binDir, missing, run } from '../fixtures/peers.ts'
import { instance } from '../arrive/objects.ts'
import { isRunning, numbered, numbersOf, Site } from '../stage/staged.ts'

const range = (from: number, to: number) => numbersOf(numbered(from, to))
const jq = { skip: missing('jq') }

t.test(
  'once: everything is in the other journal, no mark is, and again there is nothing to do',
  async (t) => {
    const site = new Site(t.testdir())
    await site.append('a', numbered(0, 5000))
    t.match(await site.once('cat'), { code: 0, stderr: '' })
    t.same(numbersOf(await site.records('b')), range(0, 5000))
    await site.append('a', numbered(5000, 5001))
    t.match(await site.once('cat'), { code: 0 })
    t.same(numbersOf(await site.records('b')), range(0, 5001))
  },
)

t.test('a lone record comes through while the stage waits for more', async (t) => {
  const site = new Site(t.testdir())
  const stage = site.stage('cat')
  for (let n = 0; n < 5; n++) {
    await site.append('a', numbered(n, n + 1))
    t.same(numbersOf(await site.until('b', n + 1)), range(0, n + 1))
  }
  await site.untilCommitted('a', 's')
  t.match(await stage.kill('SIGTERM'), { code: 0, stderr: '' })
})

t.test('the pipeline gets marks behind the records, which say what is committed', async (t) => {
  const site = new Site(t.testdir())
  const seen = join(site.dataDir, 'seen')
  await site.append('a', numbered(0, 3))
  const stage = site.stage(`tee '${seen}'`)
  await site.untilCommitted('a', 's')
  await stage.kill('SIGTERM')
  const records = readFileSync(seen, 'utf8')
    .trim()
    .split('\n')
    .map(
      (line) =>
        JSON.parse(line) as {
          type: string
          n?: number
          seq: number
          committed: number
        },
    )
  const marks = records.filter(({ type }) => type === 'mark')
  const behind = records.slice(records.findIndex(({ n }) => n === 2) + 1)
  t.equal(behind[0]?.type, 'mark')
  t.same(
    marks.map(({ seq }) => seq),
    marks.map((_, at) => at + 1),
  )
  t.ok(marks.every(({ seq, committed }) => committed < seq))
  // The last word before the end: the filter knows that all it said has arrived.
  t.ok((marks.at(-1)?.committed ?? 0) >= (behind[0]?.seq ?? Infinity))
  t.match(await loadCursor(site.path('a'), 's'), { seq: behind[0]?.seq })
})

t.test('marks that somebody wrote into the journal vouch for nothing', async (t) => {
  const site = new Site(t.testdir())
  await site.append('a', [...numbered(0, 3), { type: 'mark', seq: 2 }, { type: 'mark', seq: 9 }])
  const seen = join(site.dataDir, 'seen')
  await site.once(`tee '${seen}'`)
  t.notMatch(readFileSync(seen, 'utf8'), '"seq":9')
  t.same(await site.records('b'), numbered(0, 3))
})

t.test(
  'filters that drop marks, or hold back their last lines, do not stall a waiting stage',
  jq,
  async (t) => {
    for (const pipeline of [`jq -c 'select(.type == "test")'`, 'sed s/x/y/']) {
      const site = new Site(t.testdir())
      await site.append('a', numbered(0, 100))
      const stage = site.stage(pipeline)
      t.same(numbersOf(await site.until('b', 100)), range(0, 100))
      await site.append('a', numbered(100, 101))
      t.same(numbersOf(await site.until('b', 101)), range(0, 101))
      await site.untilCommitted('a', 's')
      t.match(await stage.kill('SIGTERM'), { code: 0 })
      t.match(stage.stderr, 'does not pass marks on at once')
      t.match(await site.once(pipeline), { code: 0 })
      t.same(numbersOf(await site.records('b')), range(0, 101), 'nothing was left, nothing twice')
    }
  },
)

t.test(
  'errors and held records go to their own journals, the exit code tells of errors',
  async (t) => {
    const site = new Site(t.testdir())
    await site.append('a', [
      { type: 'test', n: 1 },
      { type: 'error', tool: 'x', code: 'E_X', message: 'm', retryable: false, record: { n: 2 } },
      { type: 'held', requestId: 'r', reasons: [], how: 'h' },
    ])
    t.match(await site.once('cat; echo lost; exit 1'), { code: 1 })
    t.same(await site.records('b'), [{ type: 'test', n: 1 }])
    t.match(await site.records('errors'), [
      { code: 'E_X', stage: 's', record: { n: 2 } },
      { code: 'E_STAGE_OUTPUT', stage: 's', record: 'lost' },
    ])
    t.match(await site.records('held'), [{ requestId: 'r' }])
  },
)

t.test('a stage that reads the errors does not feed itself', async (t) => {
  const site = new Site(t.testdir())
  const error = { type: 'error', tool: 'x', code: 'E_X' }
  await site.append('errors', [error])
  const args = ['--once', '--name', 'r', '--from', 'errors', '--to', 'b']
  t.match(await site.stage('cat; echo stray', args).ended, { code: 0 })
  t.match(await site.records('b'), [error, { type: 'error', code: 'E_STAGE_OUTPUT' }])
  t.same(await site.records('errors'), [error])
})

t.test('a record that ends the pipeline goes to the errors, all others come through', async (t) => {
  const killer = `while read -r line; do case $line in *'"n":77}'*) kill -9 $BASHPID;; esac; echo "$line"; done`
  const dropping = `grep --line-buffered -v mark | ${killer}`
  for (const pipeline of [`(${killer})`, `cat | (${killer}) | cat`, dropping]) {
    const site = new Site(t.testdir())
    await site.append('a', numbered(0, 200))
    t.match(await site.once(pipeline), { code: 1 }, pipeline)
    t.same(
      numbersOf(await site.records('b')).filter((n, at, all) => all.indexOf(n) === at),
      range(0, 200).filter((n) => n !== 77),
    )
    t.match(await site.records('errors'), [
      { code: 'E_STAGE_POISON', stage: 's', tool: 'fiona-stage', record: { type: 'test', n: 77 } },
    ])
  }
})

t.test('a pipeline that cannot work at all blames no record', async (t) => {
  for (const pipeline of ['no-such-program', 'cat >/dev/null; exit 70', 'cat | exit 3']) {
    const site = new Site(t.testdir())
    await site.append('a', numbered(0, 10))
    const { code, stderr } = await site.once(pipeline)
    t.equal(code, 69, pipeline)
    t.match(stderr, 'error: the pipeline fails again and again')
    t.same(await site.records('errors'), [])
    t.same(await loadCursor(site.path('a'), 's'), { cursor: {}, seq: 0 })
    t.match(await site.once('cat'), { code: 0 })
    t.same(numbersOf(await site.records('b')), range(0, 10))
  }
})

t.test('a waiting stage starts the pipeline again until it works', async (t) => {
  const site = new Site(t.testdir())
  await site.append('a', numbered(0, 10))
  const ready = join(site.dataDir, 'ready')
  const stage = site.stage(`test -e '${ready}' || exit 75; cat`)
  await stage.untilSaid('the pipeline failed')
  writeFileSync(ready, '')
  t.same(numbersOf(await site.until('b', 10)), range(0, 10))
  await stage.kill('SIGTERM')
})

t.test('the death of a first command is not hidden by the exit code 1 of the last', async (t) => {
  const site = new Site(t.testdir())
  await site.append('a', numbered(0, 1000))
  const died = join(site.dataDir, 'died')
  // The first time the first command takes everything, passes on a part, and dies.
  const first = `(test -e '${died}' && exec cat; touch '${died}'; head -n 5; cat >/dev/null; kill -9 $BASHPID)`
  t.match(await site.once(`${first} | (cat; exit 1)`), { code: 0 })
  t.ok(existsSync(died))
  t.same(
    [...new Set(numbersOf(await site.records('b')))].sort((a, b) => a - b),
    range(0, 1000),
  )
})

t.test('SIGTERM: what is in the pipeline drains, and the next stage repeats nothing', async (t) => {
  const site = new Site(t.testdir())
  let appended = 0
  for (let round = 0; round < 4; round++) {
    await site.append('a', numbered(appended, (appended += 500)))
    const stage = site.stage('cat | sed -u s/x/y/ | cat')
    await site.until('b', appended - 499)
    await site.append('a', numbered(appended, (appended += 500)))
    t.match(await stage.kill('SIGTERM'), { code: 0 })
  }
  t.match(await site.once('cat'), { code: 0 })
  t.same(numbersOf(await site.records('b')), range(0, appended))
})

t.test('what does not drain in time is ended, and done next time', async (t) => {
  const site = new Site(t.testdir())
  await site.append('a', numbered(0, 10))
  const pids = join(site.dataDir, 'pids')
  const stage = site.stage(`cat; trap '' TERM; echo $$ > '${pids}'; sleep 1000`, [
    '--drain-seconds',
    '0.3',
  ])
  await site.until('b', 10)
  await site.append('a', numbered(10, 20))
  await site.until('b', 20)
  const { code, stderr } = await stage.kill('SIGTERM')
  t.equal(code, 0)
  t.match(stderr, 'the pipeline did not drain')
  t.notOk(isRunning(Number(readFileSync(pids, 'utf8'))))
  t.match(await site.once('cat'), { code: 0 })
  t.same([...new Set(numbersOf(await site.records('b')))], range(0, 20))
})

t.test('stages of different names have their own cursors, of one name one runs', async (t) => {
  const site = new Site(t.testdir())
  await site.append('a', numbered(0, 10))
  const first = site.stage('cat')
  await site.untilCommitted('a', 's')
  const second = await site.stage('cat', ['--wait-seconds', '0']).ended
  t.equal(second.code, 75)
  t.match(second.stderr, `error: stage s is already running: process ${first.child.pid} on `)
  t.match(
    second.stderr,
    /\nhint: after a restart .* try again\. Else stop that one first, or .* --name\n/,
  )
  t.match(await site.stage('cat', ['--name', 'other', '--to', 'c', '--once']).ended, { code: 0 })
  t.same(numbersOf(await site.records('c')), range(0, 10))

  const impatient = site.stage('cat', ['--wait-seconds', '60'])
  await impatient.untilSaid('another process runs this stage')
  const stopped = await impatient.kill('SIGTERM')
  t.equal(stopped.code, 0)
  t.notMatch(stopped.stderr, 'error:', 'who is stopped while waiting has nothing to complain of')

  const third = site.stage('cat', ['--wait-seconds', '60'])
  await third.untilSaid('another process runs this stage')
  await first.kill('SIGTERM')
  await site.append('a', numbered(10, 11))
  t.same(numbersOf(await site.until('b', 11)), range(0, 11))
  t.match(await third.kill('SIGTERM'), { code: 0 })
})

t.test('the pipeline finds its surroundings: stage, configuration, tools', async (t) => {
  const site = new Site(t.testdir({ 'fiona.json': '{}' }))
  await site.append('a', numbered(0, 1))
  const config = join(site.dataDir, 'fiona.json')
  const facts = `{type: "facts", stage: $ENV.FIONA_STAGE, config: $ENV.FIONA_CONFIG, dataDir: $ENV.FIONA_DATA_DIR, lifeline: $ENV.FIONA_LIFELINE_FD, arrive: $arrive, group: ($group | tonumber)}`
  const pipeline = `jq -nc --arg arrive "$(command -v fiona-arrive)" --arg group "$(ps -o pgid= $$)" '${facts}'; echo "{\\"type\\":\\"pid\\",\\"pid\\":$$}"; cat >/dev/null`
  t.match(await site.once(pipeline, ['--config', config]), { code: 0 })
  const [found, shell] = await site.records('b')
  t.match(found, {
    stage: 's',
    config,
    dataDir: site.dataDir,
    lifeline: null,
    arrive: join(binDir, 'fiona-arrive'),
    group: shell?.['pid'],
  })
})

t.test(
  'what fiona-arrive has said is not said again after a stop while all is quiet',
  async (t) => {
    const site = new Site(t.testdir())
    await site.append('a', [instance({ object: 1 }), instance({ object: 2 })])
    const pipeline = 'fiona-arrive --quiet-seconds 0.2'
    const isStudy = ({ type }: { type: string }) => type === 'study'
    for (let round = 0; round < 2; round++) {
      const stage = site.stage(pipeline)
      await site.until('b', 4)
      // The second time around it is the start that could repeat it: this comes through behind that.
      await site.append('a', [{ type: 'note' }])
      await site.until('b', 5 + round)
      t.match(await stage.kill('SIGTERM'), { code: 0 })
    }
    t.equal((await site.records('b')).filter(isStudy).length, 1)
  },
)

t.test('200,000 records go through in flat memory', async (t) => {
  const site = new Site(t.testdir())
  for (let part = 0; part < 20; part++) {
    await site.append(
      'a',
      numbered(part * 10_000, (part + 1) * 10_000).map((record) => ({
        ...record,
        x: 'x'.repeat(400),
      })),
    )
  }
  const stage = site.stage('cat', ['--once'])
  let peakKb = 0
  const look = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${stage.child.pid}/status`, 'utf8')
      peakKb = Math.max(peakKb, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0))
    } catch {
      // It has ended.
    }
  }, 20)
  t.match(await stage.ended, { code: 0 })
  clearInterval(look)
  t.ok(peakKb > 10_000 && peakKb < 250_000, `peak ${peakKb} kB`)
  t.equal((await site.records('b')).length, 200_000)
})

t.test('mistakes are told before anything runs', async (t) => {
  const site = new Site(t.testdir())
  const cases: [string[], number, RegExp][] = [
    [['--from', 'a', '--to', 'b'], 64, /the pipeline is missing/],
    [['--from', 'a', '--to', 'b', '--', 'cat', '|', 'cat'], 64, /must be one argument/],
    [['--from', 'a', '--to', 'b', '--', ' '], 64, /the pipeline is empty/],
    [['--from', 'a', '--to', 'b', '--', 'if true'], 64, /the pipeline is no shell: .*syntax error/],
    [['--from', 'a', '--to', 'a', '--', 'cat'], 64, /would read what it writes/],
    [['--from', 'a', '--', 'cat'], 64, /option --to is needed/],
    [['--name', '../x', '--from', 'a', '--to', 'b', '--', 'cat'], 64, /no name for a stage/],
    [['--once', '--from', 'none', '--to', 'b', '--', 'cat'], 65, /there is no journal at/],
    [['--from', 'postgres://u@h/d', '--to', 'b', '--', 'cat'], 64, /cannot be kept in postgres:/],
  ]
  for (const [args, code, message] of cases) {
    const answer = await run(`${binDir}/fiona-stage`, ['--data-dir', site.dataDir, ...args])
    t.equal(answer.code, code, args.join(' '))
    t.match(answer.stderr, message)
  }
  t.match(await run(`${binDir}/fiona-stage`, ['--help']), { code: 0, stdout: /shell pipeline/ })
})

t.test(
  'without options the embedded defaults hold: ./var, and a name from both journals',
  async (t) => {
    const site = new Site(join(t.testdir(), 'var'))
    await site.append('a', numbered(0, 2))
    const answer = await run(
      `${binDir}/fiona-stage`,
      ['--once', '--from', 'a', '--to', 'b', '--', 'cat'],
      {
        cwd: join(site.dataDir, '..'),
        env: { FIONA_CONFIG: '' },
      },
    )
    t.equal(answer.code, 0)
    t.same(numbersOf(await site.records('b')), [0, 1])
    t.ok(await loadCursor(site.path('a'), 'a-b'))
  },
)

t.test('a stage of the standard chain runs by its name alone', async (t) => {
  const dataDir = t.testdir()
  await run('fiona-journal', ['append', 'outbox', '--data-dir', dataDir], {
    input: '{"v":1,"type":"note","text":"on its way"}\n',
  })
  const { code, stderr } = await run('fiona-stage', [
    ...['--standard', 'deliver', '--once', '--data-dir', dataDir],
  ])
  t.equal(code, 0, stderr)
  const { stdout } = await run('fiona-journal', ['cat', 'sent', '--data-dir', dataDir])
  t.match(stdout, /on its way/)
  const mixed = await run('fiona-stage', ['--standard', 'deliver', '--', 'cat'])
  t.match(mixed, { code: 64, stderr: /--standard says all/ })
  const none = await run('fiona-stage', ['--to', 'x', '--', 'cat'])
  t.match(none, { code: 64, stderr: /option --from is needed/ })
})
