import t from 'tap'
import { openRecordSink } from '../../src/lib/intake/index.ts'
import { readJournal } from '../../src/lib/journal/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'

const record = (n: number) => ({ type: 'test', n })

t.test('what is put to stdout is written in order and synced together', async (t) => {
  const events: string[] = []
  const sink = await openRecordSink({
    dataDir: t.testdir(),
    emit: async (record) => void events.push(`emit ${String((record as AnyRecord)['n'])}`),
    sync: async () => void events.push('sync'),
  })
  await Promise.all([sink.put(record(1)), sink.put(record(2)), sink.put(record(3))])
  t.same(events, ['emit 1', 'emit 2', 'emit 3', 'sync'])
  await sink.put(record(4))
  t.same(events.slice(4), ['emit 4', 'sync'])
  await sink.close()
})

t.test('a put resolves after its own sync, not after an earlier one', async (t) => {
  let syncs = 0
  let release = (): void => undefined
  const sink = await openRecordSink({
    dataDir: t.testdir(),
    emit: async () => undefined,
    sync: () => {
      syncs++
      return syncs === 1 ? new Promise<void>((resolve) => (release = resolve)) : Promise.resolve()
    },
  })
  const first = sink.put(record(1))
  await new Promise((resolve) => setImmediate(resolve))
  const second = sink.put(record(2)).then(() => syncs)
  release()
  await first
  t.equal(await second, 2)
})

t.test('a failed write rejects what it carried, and the next put is tried anew', async (t) => {
  let fails = true
  const sink = await openRecordSink({
    dataDir: t.testdir(),
    emit: async () => {
      if (fails) throw new Error('no space')
    },
    sync: async () => undefined,
  })
  await t.rejects(sink.put(record(1)), { message: 'no space' })
  fails = false
  await t.resolves(sink.put(record(2)))
})

t.test('with a journal the records are in it, in order', async (t) => {
  const dataDir = t.testdir()
  const never = async () => void t.fail('nothing goes to stdout')
  const sink = await openRecordSink({ journal: 'received', dataDir, emit: never, sync: never })
  await Promise.all([1, 2, 3].map((n) => sink.put(record(n))))
  await sink.close()
  let text = ''
  for await (const { lines } of readJournal(`${dataDir}/journal/received`)) text += lines.toString()
  t.same(
    text
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { n: number }).n),
    [1, 2, 3],
  )
})
