import fc from 'fast-check'
import t from 'tap'
import { MarkLedger } from '../../src/lib/stage/mark-ledger.ts'

const at = (lines: number) => ({ moves: new Map([['s', lines * 10]]), lines, bytes: lines * 10 })

t.test('a mark that returns vouches for its position, once', (t) => {
  const ledger = new MarkLedger(41)
  const seq = ledger.issue(at(3))
  t.equal(seq, 42)
  t.equal(ledger.outstanding, 1)
  t.same(ledger.returned(seq), { ...at(3), seq })
  t.equal(ledger.returned(seq), undefined)
  t.equal(ledger.outstanding, 0)
  t.end()
})

t.test('a mark makes up for those before it that were dropped', (t) => {
  const ledger = new MarkLedger(0)
  const [first = 0, , third = 0, fourth = 0] = [1, 2, 3, 4].map((lines) => ledger.issue(at(lines)))
  t.equal(ledger.returned(third)?.lines, 3)
  t.equal(ledger.returned(first), undefined, 'passed')
  t.equal(ledger.returned(fourth)?.lines, 4)
  t.end()
})

t.test('a number that was never given out vouches for nothing', (t) => {
  const ledger = new MarkLedger(0)
  ledger.issue(at(1))
  for (const seq of [0, 2, -1, 1.5, Number.NaN]) t.equal(ledger.returned(seq), undefined)
  t.equal(ledger.outstanding, 1)
  t.end()
})

t.test(
  'whatever is dropped, the position only moves forward and never beyond what was fed',
  (t) => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 50 }), fc.nat(1000), (passed, start) => {
        const ledger = new MarkLedger(start)
        const seqs = passed.map((_, index) => ledger.issue(at(index + 1)))
        let reached = 0
        passed.forEach((isPassed, index) => {
          if (!isPassed) return
          const position = ledger.returned(seqs[index] ?? 0)
          t.equal(position?.lines, index + 1)
          t.ok((position?.lines ?? 0) > reached)
          reached = position?.lines ?? reached
        })
        t.equal(ledger.outstanding, passed.length - reached)
      }),
      { numRuns: 30 },
    )
    t.end()
  },
)
