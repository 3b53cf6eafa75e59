import fc from 'fast-check'
import t from 'tap'
import { DigestSet } from '../../src/lib/arrive/digest-set.ts'

t.test('it knows what was added and nothing else, also after a way over disk', (t) => {
  const texts = fc.array(fc.string({ maxLength: 5 }), { maxLength: 300 })
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(texts, texts, (added, others) => {
        const set = new DigestSet()
        const model = new Set<string>()
        for (const text of added) {
          if (set.add(text) === model.has(text)) return false
          model.add(text)
        }
        const copy = new DigestSet()
        for (const piece of set.pieces()) copy.addPiece(piece)
        return (
          [set, copy].every((one) =>
            [...added, ...others].every((text) => one.has(text) === model.has(text)),
          ) && copy.size === model.size
        )
      }),
    ),
  )
  t.end()
})

t.test('a million objects take tens of megabytes', (t) => {
  const set = new DigestSet()
  for (let n = 0; n < 1_000_000; n++) set.add(`1.2.840.113619.2.55.3.${String(n)}`)
  t.equal(set.size, 1_000_000)
  t.ok(process.memoryUsage().arrayBuffers < 100 << 20)
  t.end()
})
