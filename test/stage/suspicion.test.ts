import fc from 'fast-check'
import t from 'tap'
import { Suspicion } from '../../src/lib/stage/suspicion.ts'

/** A pipeline that ends at certain records; with marks, what it did before that is committed. */
function work(
  total: number,
  killers: ReadonlySet<number>,
  passesMarks: boolean,
  batch: number,
  isRunaway = false,
) {
  const suspicion = new Suspicion()
  const condemned: number[] = []
  let cursor = 0
  let runs = 0
  let failures = 0
  while (cursor < total) {
    if (++runs > 10_000) throw new Error('does not come to an end')
    const isAlone = suspicion.limit !== undefined
    const taken = Math.min(total - cursor, suspicion.limit ?? batch)
    const killer = Array.from({ length: taken }, (_, i) => cursor + i).find((n) => killers.has(n))
    const done = killer === undefined ? taken : passesMarks && isAlone ? killer - cursor : 0
    cursor += done
    suspicion.committed(done)
    if (killer === undefined) continue
    failures++
    if (suspicion.failed(taken - done, isRunaway) === 'condemn') {
      condemned.push(cursor)
      cursor++
      suspicion.committed(1)
    }
  }
  return { condemned, runs, failures }
}

t.test('any killers, with marks or without: exactly they are condemned, all else is done', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 300 }),
      fc.uniqueArray(fc.nat(299), { maxLength: 5 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 100 }),
      fc.boolean(),
      (total, killers, passesMarks, batch, isRunaway) => {
        const inside = killers.filter((n) => n < total).sort((a, b) => a - b)
        const { condemned } = work(total, new Set(inside), passesMarks, batch, isRunaway)
        t.same(condemned, inside)
      },
    ),
    { numRuns: 200 },
  )
  t.end()
})

t.test('one killer among ten thousand is found in some thirty runs', (t) => {
  const { condemned, runs } = work(10_000, new Set([6543]), false, 10_000)
  t.same(condemned, [6543])
  t.ok(runs < 45, `${runs} runs`)
  t.end()
})

t.test('one that runs away is found in three tries where marks are passed on', (t) => {
  const { condemned, failures } = work(10_000, new Set([6543]), true, 10_000, true)
  t.same(condemned, [6543])
  t.equal(failures, 3)
  t.end()
})

t.test('two failures at a place are an accident', (t) => {
  const suspicion = new Suspicion()
  t.equal(suspicion.failed(100), 'retry')
  t.equal(suspicion.failed(100), 'retry')
  t.equal(suspicion.limit, undefined)
  suspicion.committed(1)
  t.equal(suspicion.failed(99), 'retry')
  t.equal(suspicion.failed(99), 'retry')
  t.equal(suspicion.failed(99), 'suspect')
  t.equal(suspicion.limit, 50)
  t.end()
})

t.test('a failure without records in flight suspects none, however often it happens', (t) => {
  const suspicion = new Suspicion()
  for (let n = 0; n < 20; n++) t.equal(suspicion.failed(0), 'retry')
  t.equal(suspicion.limit, undefined)
  t.equal(suspicion.failures, 20)
  t.end()
})

t.test('a suspected record that passes alone is acquitted', (t) => {
  const suspicion = new Suspicion()
  for (let n = 0; n < 3; n++) suspicion.failed(1)
  t.equal(suspicion.limit, 1)
  t.equal(suspicion.failed(1), 'retry')
  suspicion.committed(1)
  t.equal(suspicion.limit, undefined)
  t.equal(suspicion.failures, 0)
  t.end()
})
