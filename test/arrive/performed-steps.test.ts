import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { parseRecord } from '../../src/lib/record/index.ts'
import { Clock, arrivalOf, instance, listed, ofType, pass, quietMs } from './objects.ts'

/** The record of a step of study 2.25.1 that lists objects of series 2.25.1.1. */
function step(status: string, objects: readonly number[], more: Record<string, unknown> = {}) {
  const SeriesInstanceUID = '2.25.1.1'
  const instances = objects.map((object) => `${SeriesInstanceUID}.${String(object)}`)
  const record: AnyRecord = {
    type: 'mpps',
    MPPSInstanceUID: '2.25.71',
    status,
    StudyInstanceUID: '2.25.1',
    series: objects.length === 0 ? [] : [{ SeriesInstanceUID, instances }],
    ...more,
  }
  parseRecord(record)
  return record
}
const other = { MPPSInstanceUID: '2.25.72' }
/** What is said at once: without that time passes. */
const atOnce = (arrival: Parameters<typeof pass>[0], clock: Clock) => pass(arrival, clock, 0)

t.test('a step passes on unchanged', async (t) => {
  const arrival = await arrivalOf(new Clock())
  const record = step('IN PROGRESS', [], { kept: true })
  t.equal(await arrival.record(record), record)
  t.throws(() => arrival.record({ ...record, status: 'DONE' }), { code: 'E_RECORD_INVALID' })
})

t.test('objects, then COMPLETED: the study is complete at once', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock)
  await arrival.record(step('IN PROGRESS', []))
  for (const object of [1, 2]) await arrival.record(instance({ object }))
  clock.ms += 3000
  t.same(await atOnce(arrival, clock), [])
  await arrival.record(step('COMPLETED', [1, 2]))
  const said = await atOnce(arrival, clock)
  t.match(said, [
    { type: 'series', SeriesInstanceUID: '2.25.1.1', instances: 2, reason: 'mpps' },
    {
      type: 'study',
      StudyInstanceUID: '2.25.1',
      instances: 2,
      revision: 1,
      reason: 'mpps',
      evidence: { mpps: ['2.25.71'], missing: 0, sinceLastObjectSeconds: 3 },
    },
  ])
  for (const record of said) parseRecord(record)
  t.same(ofType('study', await pass(arrival, clock, 10 * quietMs)), [], 'once')
})

t.test('COMPLETED, then objects: complete with the last of them, whichever that is', async (t) => {
  const clock = new Clock()
  for (const objects of [[1], [3, 1, 2]]) {
    const arrival = await arrivalOf(clock)
    await arrival.record(step('COMPLETED', objects.toSorted()))
    for (const [at, object] of objects.entries()) {
      t.same(await atOnce(arrival, clock), [], `before object ${String(at)}`)
      await arrival.record(instance({ object }))
    }
    const studies = ofType('study', await atOnce(arrival, clock))
    t.match(studies, [{ reason: 'mpps', instances: objects.length }])
  }
})

t.test('what is in the pipe already is counted first', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock)
  await arrival.record(step('COMPLETED', [1]))
  await arrival.record(instance({ object: 1 }))
  t.equal(listed(await arrival.record(instance({ object: 2 }))).length, 1)
  t.match(ofType('study', await atOnce(arrival, clock)), [{ instances: 2, reason: 'mpps' }])
})

t.test('a listed object that does not come: the quiet time decides, and says so', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock)
  await arrival.record(step('COMPLETED', [1, 2, 3]))
  for (const object of [1, 2]) await arrival.record(instance({ object }))
  t.same(ofType('study', await pass(arrival, clock, quietMs - 1)), [])
  t.match(ofType('study', await pass(arrival, clock, 1)), [
    { reason: 'quiet', evidence: { mpps: ['2.25.71'], missing: 1 } },
  ])
  await arrival.record(instance({ object: 3 }))
  t.match(ofType('study', await atOnce(arrival, clock)), [
    { reason: 'mpps', revision: 2, added: 1, evidence: { missing: 0 } },
  ])
})

t.test('what is not listed makes another revision, after the quiet time', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock)
  for (const object of [1, 2]) await arrival.record(instance({ object }))
  await arrival.record(step('COMPLETED', [1, 2]))
  await atOnce(arrival, clock)
  // Said twice, as after a crash.
  await arrival.record(step('COMPLETED', [1, 2]))
  for (const object of [1, 2]) {
    await arrival.record(instance({ series: 2, object }))
    t.same(ofType('study', await pass(arrival, clock, quietMs - 1)), [])
  }
  t.match(ofType('study', await pass(arrival, clock, 1)), [
    { reason: 'quiet', revision: 2, added: 2 },
  ])
})

t.test('a step that goes on keeps the others from proving anything', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock)
  for (const object of [1, 2]) await arrival.record(instance({ object }))
  await arrival.record(step('IN PROGRESS', [], other))
  await arrival.record(step('COMPLETED', [1]))
  t.same(await atOnce(arrival, clock), [])
  await arrival.record(step('COMPLETED', [2], other))
  t.match(ofType('study', await atOnce(arrival, clock)), [
    { reason: 'mpps', evidence: { mpps: ['2.25.72', '2.25.71'] } },
  ])
})

t.test('a step that begins before the decision is said takes the proof away', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock)
  await arrival.record(instance())
  await arrival.record(step('COMPLETED', [1]))
  await arrival.record(step('IN PROGRESS', [], other))
  t.same(ofType('study', await atOnce(arrival, clock)), [])
  t.match(ofType('study', await pass(arrival, clock, quietMs)), [{ reason: 'quiet' }])
})

t.test('what proves nothing: discontinued alone, or without any object', async (t) => {
  for (const record of [
    step('DISCONTINUED', [1]),
    step('COMPLETED', []),
    step('COMPLETED', [1], { StudyInstanceUID: '2.25.2' }),
    step('COMPLETED', [1], { StudyInstanceUID: undefined }),
  ]) {
    const clock = new Clock()
    const arrival = await arrivalOf(clock)
    await arrival.record(instance())
    await arrival.record(record)
    t.same(await atOnce(arrival, clock), [], JSON.stringify(record))
    t.match(ofType('study', await pass(arrival, clock, quietMs)), [{ reason: 'quiet' }])
  }
})

t.test('a discontinued step beside a completed one lists objects, too', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock)
  await arrival.record(step('DISCONTINUED', [1]))
  await arrival.record(step('COMPLETED', [2], other))
  await arrival.record(instance({ object: 2 }))
  t.same(await atOnce(arrival, clock), [])
  await arrival.record(instance({ object: 1 }))
  t.match(ofType('study', await atOnce(arrival, clock)), [{ reason: 'mpps', instances: 2 }])
})

t.test('a beginning that is told late does not begin an ended step again', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock)
  await arrival.record(step('COMPLETED', [1]))
  await arrival.record(step('IN PROGRESS', []))
  await arrival.record(instance())
  t.match(ofType('study', await atOnce(arrival, clock)), [{ reason: 'mpps' }])
})

t.test('a step for two studies counts for each', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock)
  await arrival.record(step('COMPLETED', [1], { studies: ['2.25.5', '2.25.1'] }))
  await arrival.record(instance())
  t.match(ofType('study', await atOnce(arrival, clock)), [{ StudyInstanceUID: '2.25.1' }])
})

t.test('one study in two projects: each has its proof', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock)
  for (const project of ['A', 'B']) await arrival.record(instance({}, { project }))
  await arrival.record(step('COMPLETED', [1]))
  t.match(ofType('study', await atOnce(arrival, clock)), [
    { project: 'A', reason: 'mpps' },
    { project: 'B', reason: 'mpps' },
  ])
})

t.test('what a former process heard counts after a restart', async (t) => {
  const clock = new Clock()
  const root = mkdtempSync(join(tmpdir(), 'fiona-arrive-'))
  t.teardown(() => {
    rmSync(root, { recursive: true, force: true })
  })
  const kept = { deliveredBy: 'marks', atEnd: 'keep' } as const
  const killedBeforeObjects = { ...kept, directory: join(root, 'a') }
  const first = await arrivalOf(clock, killedBeforeObjects)
  await first.record(step('COMPLETED', [1]))
  await first.mark({ type: 'mark', seq: 1 })
  await first.close()
  // Twice: the log is written anew at each start.
  await (await arrivalOf(clock, killedBeforeObjects)).close()
  const second = await arrivalOf(clock, killedBeforeObjects)
  await second.record(instance())
  t.match(ofType('study', await atOnce(second, clock)), [{ reason: 'mpps' }])
  await second.close()

  const killedBeforeSaying = { ...kept, directory: join(root, 'b') }
  const third = await arrivalOf(clock, killedBeforeSaying)
  await third.record(instance())
  await third.record(step('COMPLETED', [1]))
  await third.mark({ type: 'mark', seq: 1 })
  await third.close()
  const fourth = await arrivalOf(clock, killedBeforeSaying)
  t.match(ofType('study', await atOnce(fourth, clock)), [{ reason: 'mpps' }])
  await fourth.close()
})

t.test('old steps are forgotten: they prove nothing more', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock)
  await arrival.record(step('COMPLETED', [1]))
  clock.ms += 25 * 3600 * 1000
  await arrival.record(step('IN PROGRESS', [], { ...other, StudyInstanceUID: '2.25.2' }))
  await arrival.record(instance())
  t.same(await atOnce(arrival, clock), [])
  t.match(ofType('study', await pass(arrival, clock, quietMs)), [{ reason: 'quiet' }])
})
