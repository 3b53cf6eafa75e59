import fc from 'fast-check'
import t from 'tap'
import { ReferenceList, Wanted } from '../../src/lib/commitment/reference-list.ts'

const uid = fc
  .array(fc.nat({ max: 99_999_999 }), { minLength: 1, maxLength: 7 })
  .map((components) => components.join('.'))
const references = fc.array(fc.record({ SOPClassUID: uid, SOPInstanceUID: uid }))

t.test('what was put in comes out, and its lines are those of a file', (t) => {
  fc.assert(
    fc.property(references, (all) => {
      const list = ReferenceList.from(all)
      t.equal(list.length, all.length)
      t.same([...list], all)
      const text = Buffer.concat([...list.lines()]).toString('latin1')
      t.equal(text, all.map((one) => `${one.SOPClassUID} ${one.SOPInstanceUID}\n`).join(''))
    }),
    { numRuns: 30 },
  )
  t.end()
})

t.test('the longest UIDs fill blocks to their ends', (t) => {
  const longest = (n: number): string => `2.25.${String(n).padStart(59, '1')}`
  const all = Array.from({ length: 2000 }, (_, n) => {
    return { SOPClassUID: longest(9), SOPInstanceUID: longest(n) }
  })
  const list = ReferenceList.from(all)
  t.same([...list], all)
  t.equal(list.at(1999).SOPInstanceUID, longest(1999))
  t.throws(() => list.at(2000), RangeError)
  const bytes = [...list.lines()].reduce((sum, { length }) => sum + length, 0)
  t.equal(bytes, 2000 * 130, 'nothing between the blocks')
  t.throws(() => {
    list.add({ SOPClassUID: '1.2\n', SOPInstanceUID: '1' })
  }, TypeError)
  t.end()
})

t.test('an object that is named often is looked for until each reference is found', async (t) => {
  const one = { SOPClassUID: '1.2', SOPInstanceUID: '2.25.1' }
  const other = { ...one, SOPInstanceUID: '2.25.2' }
  const wanted = await Wanted.of(ReferenceList.from([one, other, one, one]))
  t.equal(wanted.size, 2)
  const asked: number[] = []
  const keep = (missing: readonly number[]) => (index: number) => {
    asked.push(index)
    return missing.includes(index)
  }
  wanted.sift('2.25.1', keep([0, 3]))
  wanted.sift('2.25.1', keep([3]))
  t.ok(wanted.has('2.25.1'))
  wanted.sift('2.25.1', keep([]))
  t.notOk(wanted.has('2.25.1'))
  wanted.sift('2.25.9', keep([]))
  t.same(asked, [0, 2, 3, 0, 3, 3])
  t.equal(wanted.size, 1)
})
