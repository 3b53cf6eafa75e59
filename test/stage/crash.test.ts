import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { JournalWriter } from '../../src/lib/journal/index.ts'
import { isRunning, numbersOf, pipelinesOf, Site, type RunningStage } from './staged.ts'

const total = 2000

/** Two writers append while the stage runs, as a receiver and a front door do. */
async function write(site: Site): Promise<void> {
  await Promise.all(
    ['even', 'odd'].map(async (writer, remainder) => {
      await using journal = await JournalWriter.open(site.path('a'), { writer })
      for (let n = remainder; n < total; n += 20) {
        const few = Array.from({ length: 10 }, (_, at) => n + 2 * at)
        await Promise.all(few.map((one) => journal.append({ type: 'test', writer, n: one })))
        await delay(5)
      }
    }),
  )
}

/** The first time each record came, in order within its writer, and none is missing. */
async function assertComplete(t: Test, site: Site): Promise<void> {
  const records = await site.records('b')
  for (const [writer, remainder] of [
    ['even', 0],
    ['odd', 1],
  ] as const) {
    const numbers = numbersOf(records.filter((record) => record['writer'] === writer))
    const expected = Array.from({ length: total / 2 }, (_, at) => 2 * at + remainder)
    t.same([...new Set(numbers)], expected, `${numbers.length - expected.length} done twice`)
  }
}

/** Kills something again and again while records come, then lets the stage finish. */
async function torture(
  t: Test,
  pipeline: string,
  kill: (stage: RunningStage) => Promise<boolean>,
): Promise<void> {
  const site = new Site(t.testdir())
  let isWriting = true
  const writing = write(site).then(() => (isWriting = false))
  let stage = site.stage(pipeline)
  let kills = 0
  while (isWriting || kills < 5) {
    await untilUp(stage)
    await delay(Math.random() * 400)
    if (await kill(stage)) kills++
    if (stage.child.exitCode !== null || stage.child.signalCode !== null)
      stage = site.stage(pipeline)
  }
  await writing
  // Whoever commits this one has come up, and hears SIGTERM.
  await site.append('a', [{ type: 'test', writer: 'last', n: 0 }])
  await site.untilCommitted('a', 's')
  t.match(await stage.kill('SIGTERM'), { code: 0 })
  t.same(await site.records('errors'), [], 'no record was blamed')
  await assertComplete(t, site)
}

/** On a busy machine a stage takes long to start: killed by the clock alone, it might never come so far. */
async function untilUp(stage: RunningStage): Promise<void> {
  const hasEnded = () => stage.child.exitCode !== null || stage.child.signalCode !== null
  while (!hasEnded() && pipelinesOf(stage.child.pid).length === 0) await delay(20)
}

/** One process of the pipeline, by chance. */
function killOnePart(stage: RunningStage): boolean {
  const [shell] = pipelinesOf(stage.child.pid)
  if (shell === undefined) return false
  const parts = [shell, ...pipelinesOf(shell).flatMap((part) => [part, ...pipelinesOf(part)])]
  const victim = parts[Math.floor(Math.random() * parts.length)]
  try {
    process.kill(victim ?? 0, 'SIGKILL')
    return true
  } catch {
    return false
  }
}

t.test('kill -9 of the stage, again and again: nothing is missing', (t) =>
  torture(t, 'cat | cat', async (stage) => {
    await stage.kill('SIGKILL')
    return true
  }),
)

t.test('kill -9 of parts of the pipeline, again and again: nothing is missing', (t) =>
  torture(t, 'cat | sed -u s/x/y/ | cat', async (stage) => killOnePart(stage)),
)

t.test(
  'kill -9 of both, again and again, with a pipeline that drops marks: nothing is missing',
  (t) =>
    torture(t, 'grep -v mark | cat', async (stage) => {
      const done = killOnePart(stage)
      if (Math.random() < 0.5) await stage.kill('SIGKILL')
      return done
    }),
)

t.test('a killed stage takes its pipeline with it, whatever that does', async (t) => {
  const site = new Site(t.testdir())
  const pids = join(site.dataDir, 'pids')
  const stage = site.stage(`echo $$ > '${pids}'; (sleep 1000) & cat; sleep 1000`)
  await site.append('a', [{ type: 'test', n: 1 }])
  await site.until('b', 1)
  const shell = Number(readFileSync(pids, 'utf8'))
  const family = [shell, ...pipelinesOf(shell)]
  t.ok(family.length >= 3, 'shell, guard, sleep, cat')
  await stage.kill('SIGKILL')
  while (family.some(isRunning)) await delay(10)
  t.pass('all of it has ended')
})

t.test(
  'the next stage begins when nothing of a killed one is left, also what ran away',
  async (t) => {
    const site = new Site(t.testdir())
    const pids = join(site.dataDir, 'pids')
    const alive = join(site.dataDir, 'alive')
    // One part leaves the process group and ignores signals; whoever comes next looks for it.
    const pipeline = `touch '${pids}' '${alive}'
    for pid in $(cat '${pids}'); do grep -qs '^State:[[:space:]]*[^Z[:space:]]' /proc/$pid/status && echo $pid >> '${alive}'; done
    before=$(wc -l < '${pids}')
    setsid bash -c "trap '' TERM HUP; echo \\$\\$ >> '${pids}'; exec sleep 1000" >/dev/null </dev/null &
    while test $(wc -l < '${pids}') = $before; do sleep 0.01; done
    cat`
    for (let n = 0; n < 4; n++) {
      const stage = site.stage(pipeline)
      await site.append('a', [{ type: 'test', n }])
      // This record, not so many: one that was done twice would stand for it before the stage is up.
      while (!numbersOf(await site.records('b')).includes(n)) await delay(20)
      await stage.kill('SIGKILL')
    }
    t.match(await site.once('cat'), { code: 0 })
    t.equal(readFileSync(alive, 'utf8'), '')
    const all = readFileSync(pids, 'utf8').trim().split('\n').map(Number)
    t.equal(all.length, 4)
    t.notOk(all.some(isRunning))
  },
)
