import t from 'tap'
import { byRecordClock, RecordClock } from '../../src/lib/arrive/index.ts'
import type { FilterResult } from '../../src/lib/cli/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { arrivalOf, instance, maxWaitMs, quietMs } from './objects.ts'

const beginMs = Date.parse('2026-01-02T03:04:05.000Z')
const at = (ms: number) => ({ time: new Date(beginMs + ms).toISOString() })

/** What comes out of a replay, in order; `failed` stands for a record that was none. */
async function replay(
  records: readonly AnyRecord[],
  atEnd: 'flush' | 'keep' = 'flush',
): Promise<AnyRecord[]> {
  const clock = new RecordClock()
  const time = () => clock.ms
  const arrival = await arrivalOf({ ms: 0, now: time }, { now: time, wallClock: time, atEnd })
  const logic = byRecordClock(arrival, clock, atEnd)
  const out: AnyRecord[] = []
  const put = (result: FilterResult): void => {
    if (Array.isArray(result)) out.push(...(result as AnyRecord[]))
    else if (result !== undefined) out.push(result as AnyRecord)
  }
  for (const record of records) {
    try {
      put(await logic.record(record))
    } catch {
      out.push({ type: 'failed' })
    }
  }
  put(await logic.end?.())
  await arrival.close()
  return out
}
const types = (records: readonly AnyRecord[]) => records.map(({ type }) => type)

t.test('each decision is made when it was due, before the record behind it', async (t) => {
  const records = [
    instance({ object: 1 }, at(0)),
    instance({ object: 2 }, at(quietMs - 1)),
    // Another study, when the first is complete since a second; then an object that is late for it.
    instance({ study: 2 }, at(2 * quietMs + 1000)),
    instance({ object: 3 }, at(2 * quietMs + 2000)),
  ]
  const first = await replay(records)
  t.same(types(first), [
    ...['instance', 'instance', 'series', 'study', 'instance', 'instance'],
    ...['series', 'study', 'series', 'study'],
  ])
  t.match(
    first.filter(({ type }) => type === 'study'),
    [
      { reason: 'quiet', revision: 1, instances: 2, ...at(2 * quietMs - 1) },
      { reason: 'quiet', revision: 1, instances: 1, ...at(3 * quietMs + 1000) },
      { reason: 'quiet', revision: 2, instances: 3, ...at(3 * quietMs + 2000) },
    ],
  )
  t.same(await replay(records), first, 'the same each time')
})

t.test('the hard cap holds by the time of the records', async (t) => {
  const step = quietMs / 2
  const objects = Math.ceil(maxWaitMs / step) + 2
  const records = Array.from({ length: objects }, (_, n) =>
    instance({ object: n + 1 }, at(n * step)),
  )
  const studies = (await replay(records)).filter(({ type }) => type === 'study')
  t.match(studies, [
    { reason: 'maxWait', revision: 1, ...at(maxWaitMs) },
    { reason: 'quiet', revision: 2 },
  ])
})

t.test('cut at a moment, what was open then is not told', async (t) => {
  const records = [instance({}, at(0)), instance({ study: 2 }, at(quietMs + 1))]
  t.same(types(await replay(records, 'keep')), ['instance', 'series', 'study', 'instance'])
})

t.test(
  'out of order, without a time, or no record at all: nothing that was decided is lost',
  async (t) => {
    const out = await replay([
      instance({}, at(0)),
      { type: 'instance', ...at(2 * quietMs) },
      instance({ study: 2 }, at(10)),
      instance({ study: 3 }),
    ])
    t.same(types(out), [
      ...['instance', 'failed', 'series', 'study', 'instance', 'instance'],
      ...['series', 'series', 'study', 'study'],
    ])
  },
)
