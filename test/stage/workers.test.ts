import { PassThrough } from 'node:stream'
import t from 'tap'
import type { Ending, Pipeline } from '../../src/lib/stage/pipeline.ts'
import { studyOfLine } from '../../src/lib/stage/study-of-line.ts'
import { workerOf, Workers } from '../../src/lib/stage/workers.ts'
import { Site } from './staged.ts'

const study = (text: string) => studyOfLine(Buffer.from(text))

t.test('the study of a line, however it is written', (t) => {
  const cases: [string, string | undefined][] = [
    ['{"type":"a","StudyInstanceUID":"1.2"}\n', '1.2'],
    ['{"type":"a", "StudyInstanceUID" : "1.2"}\n', '1.2'],
    ['{"type":"a","\\u0053tudyInstanceUID":"1.2"}\n', '1.2'],
    ['{"type":"a","referenced":{"StudyInstanceUID":"9"},"StudyInstanceUID":"1.2"}\n', '1.2'],
    ['{"type":"error","record":{"type":"a","StudyInstanceUID":"1.2"}}\n', '1.2'],
    ['{"type":"a","note":"StudyInstanceUID"}\n', undefined],
    ['{"type":"a"}\n', undefined],
    ['{"type":"a","StudyInstanceUID":"1.2\n', undefined],
    ['StudyInstanceUID\n', undefined],
  ]
  for (const [line, expected] of cases) t.equal(study(line), expected, line)
  t.end()
})

t.test('studies spread over the workers, also those with numbers in a row', (t) => {
  const counts = [0, 0, 0, 0]
  for (let n = 0; n < 4000; n++) {
    const worker = workerOf(`1.2.840.${n}`, 4)
    counts[worker] = (counts[worker] ?? 0) + 1
  }
  t.ok(
    counts.every((count) => count > 700),
    counts.join(),
  )
  t.end()
})

t.test('a mark has come out when it has come out of all, and a forged one never', (t) => {
  const idle = (): Pipeline =>
    ({
      output: new PassThrough(),
      ended: new Promise<Ending>(() => undefined),
      write: () => Promise.resolve(),
    }) as unknown as Pipeline
  const workers = new Workers([idle(), idle()])
  for (const seq of [1, 2, 3]) void workers.mark(seq, '')
  t.equal(workers.returned(0, 99), undefined)
  t.equal(workers.returned(0, 2), undefined)
  t.equal(workers.returned(1, 1), 1)
  t.equal(workers.returned(1, 1), undefined)
  t.equal(workers.returned(1, 3), 2, 'one that was dropped is made up for')
  t.equal(workers.returned(0, 3), 3)
  t.end()
})

t.test('workers keep the order of each study, and isolate what ends one of them', async (t) => {
  const site = new Site(t.testdir())
  const records = Array.from({ length: 3000 }, (_, n) => ({
    type: 'test',
    n,
    ...(n % 11 === 0 ? {} : { StudyInstanceUID: `1.2.${n % 11}` }),
  }))
  await site.append('a', records)
  const killer = `awk '/"n":1234[,}]/ { exit 9 } { print; fflush() }'`
  t.match(await site.once(killer, ['--workers', '3']), { code: 1 })
  const errors = await site.records('errors')
  t.match(errors, [{ code: 'E_STAGE_POISON', record: { n: 1234 }, stage: 's', journal: 'a' }])
  const seen = new Map<unknown, Set<number>>()
  for (const { StudyInstanceUID: uid, n } of await site.records('b')) {
    seen.set(uid, (seen.get(uid) ?? new Set()).add(n as number))
  }
  const done = [...seen.values()]
  t.equal(
    done.reduce((sum, set) => sum + set.size, 0),
    2999,
  )
  // Done twice is allowed, but what is seen first of each study is seen in its order.
  for (const numbers of done)
    t.same(
      [...numbers],
      [...numbers].toSorted((a, b) => a - b),
    )
})

t.test('a pipeline that leaves its input unread has not done it', async (t) => {
  for (const pipeline of ['true', 'head -n 1', 'exit 0', 'sed -n 1q']) {
    const site = new Site(t.testdir())
    await site.append('a', [
      { type: 'test', n: 0 },
      ...Array.from({ length: 9000 }, () => ({ type: 'test', n: 1 })),
    ])
    const { code, stderr } = await site.once(pipeline)
    t.equal(code, 69, pipeline)
    t.match(stderr, 'it ended before its input did')
    t.same(await site.records('errors'), [])
  }
})

t.test('a pipeline that fails at marks blames no record', async (t) => {
  const site = new Site(t.testdir())
  await site.append('a', [{ type: 'test', n: 1 }])
  const { code } = await site.once(`awk '/"mark"/ { exit 9 } { print }'`)
  t.not(code, 1)
  t.same(await site.records('errors'), [])
})
