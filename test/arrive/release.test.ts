import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { lookUp, stateDirectory } from '../../src/lib/arrive/index.ts'
import { explain } from '../../src/lib/arrive/explain.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { Clock, arrivalOf, instance, listed, maxWaitMs, ofType, pass, quietMs } from './objects.ts'

const release = (ms: number, more: Record<string, unknown> = {}): AnyRecord => ({
  type: 'release',
  time: new Date(ms).toISOString(),
  StudyInstanceUID: '2.25.1',
  releasedBy: 'anna',
  ...more,
})
const times = { quietSeconds: quietMs / 1000, maxWaitSeconds: maxWaitMs / 1000 }

t.test('a released study is complete as soon as the pipe is empty', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock)
  await arrival.record(instance({ object: 1 }))
  const word = release(clock.ms + 5)
  clock.ms += 10
  t.equal(await arrival.record(word), word, 'it passes')
  t.equal(listed(await arrival.record(instance({ object: 2 }))).length, 1, 'what waits is counted')
  t.match(ofType('study', await pass(arrival, clock, 0)), [
    {
      reason: 'released',
      instances: 2,
      evidence: { released: { by: 'anna', time: word['time'] } },
    },
  ])
  await arrival.record(instance({ object: 3 }))
  await arrival.record(word)
  t.match(
    ofType('study', await pass(arrival, clock, quietMs)),
    [{ reason: 'quiet', revision: 2, evidence: { released: undefined } }],
    'read again, the word says nothing of what came after it',
  )
  t.same(listed(await arrival.record(word)), [word], 'nor of what is complete')
  t.equal(arrival.timer.dueAt(), undefined)
})

t.test('the end of the pipe is all that a released study waits for', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock, { atEnd: 'keep' })
  for (const study of ['A', 'B']) await arrival.record(instance({}, { project: study }))
  await arrival.record(release(clock.ms, { project: 'A' }))
  t.match(ofType('study', await arrival.end()), [{ project: 'A', reason: 'released' }])
  t.same(await arrival.end(), [], 'the others stay open')
})

t.test('it holds in every project, or in the one it names', async (t) => {
  for (const [more, count] of [
    [{}, 2],
    [{ project: 'B' }, 1],
    [{ StudyInstanceUID: '2.25.9' }, 0],
  ] as const) {
    const clock = new Clock()
    const arrival = await arrivalOf(clock)
    for (const project of ['A', 'B']) await arrival.record(instance({}, { project }))
    await arrival.record(release(clock.ms, more))
    t.equal(ofType('study', await pass(arrival, clock, 0)).length, count)
  }
})

t.test('a word that a mark has passed outlives a crash', async (t) => {
  const clock = new Clock()
  const dataDir = mkdtempSync(join(tmpdir(), 'fiona-arrive-'))
  t.teardown(() => {
    rmSync(dataDir, { recursive: true, force: true })
  })
  const directory = join(stateDirectory(dataDir), 'organize')
  const options = { directory, deliveredBy: 'marks', atEnd: 'keep' } as const
  t.same(await lookUp(dataDir, '2.25.1'), [])
  await t.rejects(
    explain(dataDir, '2.25.1', () => times),
    { code: 'E_STUDY_UNKNOWN' },
  )
  const first = await arrivalOf(clock, options)
  await first.record(instance())
  await first.mark({ type: 'mark', seq: 1 })
  t.match(await lookUp(dataDir, '2.25.1'), [
    { stage: 'organize', isOpen: true, revision: 0, added: 1, isReleased: false },
  ])
  t.match((await explain(dataDir, '2.25.1', () => times)).join('\n'), /no object comes for 16 s/)
  await first.record(release(clock.ms))
  await first.mark({ type: 'mark', seq: 2 })
  await first.close()

  // Twice: the log is written anew at each start.
  await (await arrivalOf(clock, options)).close()
  const second = await arrivalOf(clock, options)
  t.match((await explain(dataDir, '2.25.1', () => times)).join('\n'), /it is released/)
  t.match(ofType('study', await pass(second, clock, 0)), [{ reason: 'released' }])
  t.match(await lookUp(dataDir, '2.25.1'), [{ isOpen: false, revision: 1, added: 0 }])
  await second.close()
})

t.test('what is kept of one study is found among those of many', async (t) => {
  const clock = new Clock()
  const dataDir = mkdtempSync(join(tmpdir(), 'fiona-arrive-'))
  t.teardown(() => {
    rmSync(dataDir, { recursive: true, force: true })
  })
  const directory = join(stateDirectory(dataDir), 'organize')
  const options = { directory, deliveredBy: 'marks', atEnd: 'keep' } as const
  const first = await arrivalOf(clock, options)
  // The UID of 1 is the beginning of that of 10 to 19.
  for (let study = 1; study <= 200; study++) {
    for (let object = 1; object <= 3; object++) {
      await first.record(instance({ study, object }))
      clock.ms += 1
    }
  }
  await first.record({
    type: 'mpps',
    MPPSInstanceUID: '2.25.99',
    status: 'IN PROGRESS',
    StudyInstanceUID: '2.25.1',
    series: [{ SeriesInstanceUID: '2.25.1.1', instances: ['2.25.1.1.1', '2.25.1.1.4'] }],
  })
  await first.record(release(clock.ms, { StudyInstanceUID: '2.25.12' }))
  await first.mark({ type: 'mark', seq: 1 })
  const found = (study: string) => lookUp(dataDir, study)
  const expected = { stage: 'organize', isOpen: true, revision: 0, instances: 3, added: 3 }
  const look = async (t: Test) => {
    t.match(await found('2.25.1'), [{ ...expected, mpps: ['2.25.99'], missing: 1 }])
    t.match(await found('2.25.12'), [{ ...expected, isReleased: true, mpps: undefined }])
    t.match(await found('2.25.200'), [{ ...expected, bytes: 300, series: 1 }])
    t.same(await found('2.25.20100'), [])
  }
  await look(t)
  // What a power loss may leave at the end: blocks that were never written, and lines of the time before.
  const log = join(directory, 'log')
  const whole = readFileSync(log)
  const word = '{"step":"released","study":{"StudyInstanceUID":"2.25.1"},"by":{}}\n'
  appendFileSync(log, Buffer.concat([Buffer.alloc(4096), Buffer.from(`\n${word}`)]))
  await look(t)
  writeFileSync(log, whole)
  await first.close()
  // The log is written anew at each start.
  await (await arrivalOf(clock, options)).close()
  await look(t)
})

t.test('a project may wait longer, or less long, than the others', async (t) => {
  const clock = new Clock()
  const own = { slow: { quietSeconds: 60 }, capped: { maxWaitSeconds: 5 } }
  const arrival = await arrivalOf(clock, {
    timesOf: (project) => own[project as keyof typeof own],
  })
  for (const project of ['slow', 'capped', 'usual']) await arrival.record(instance({}, { project }))
  t.match(ofType('study', await pass(arrival, clock, 5000)), [
    { project: 'capped', reason: 'maxWait', evidence: { quietSeconds: 16, maxWaitSeconds: 5 } },
  ])
  t.match(ofType('study', await pass(arrival, clock, quietMs - 5000)), [{ project: 'usual' }])
  t.same(ofType('study', await pass(arrival, clock, 60_000 - quietMs - 1)), [])
  t.match(ofType('study', await pass(arrival, clock, 1)), [
    { project: 'slow', reason: 'quiet', evidence: { quietSeconds: 60 } },
  ])
})

t.test(
  'a clock of the machine that jumps neither ends a study nor changes its evidence',
  async (t) => {
    const clock = new Clock()
    let jump = 0
    const arrival = await arrivalOf(clock, { wallClock: () => clock.ms + jump })
    await arrival.record(instance({ object: 1 }))
    jump = 400 * 24 * 3600 * 1000
    await arrival.record(instance({ object: 2 }))
    t.same(ofType('study', await pass(arrival, clock, quietMs - 1)), [])
    jump = -jump
    t.match(ofType('study', await pass(arrival, clock, 1)), [
      { reason: 'quiet', instances: 2, evidence: { sinceFirstObjectSeconds: 16 } },
    ])
  },
)
