import t from 'tap'
import { el } from '../fixtures/dicom-writer.ts'
import { classifier, folder, store, typesOf } from './classified.ts'

const tag = ['0x0019', 'SIEMENS MR HEADER', '0x0c']
const rules = [
  { type: 'b1000', rules: [{ tag, operator: '==', value: '1000' }] },
  { type: 'weighted', rules: [{ tag, operator: 'exists' }] },
  { type: 'same', rules: [{ tag: ['0x0018', '0x9087'], operator: '==', value: tag }] },
]
const objectOf = (block: number, creator: string) => ({
  elements: [
    el(0x00189087, 'FD', 1000),
    el(0x00190000 + block, 'LO', creator),
    el(0x00190000 + block * 0x100 + 0x0c, 'IS', '1000'),
  ],
})

t.test('a private attribute is found by its creator, in whatever block', async (t) => {
  const directory = folder()
  for (const block of [0x10, 0x11, 0xff]) {
    const record = store(directory, objectOf(block, 'SIEMENS MR HEADER'))
    t.same(await typesOf(classifier(rules), record), ['b1000', 'weighted', 'same'])
  }
  const other = store(directory, objectOf(0x10, 'SOMEBODY ELSE'))
  t.same(await typesOf(classifier(rules), other), [])
})

t.test('in compat such a tag is none, and the test is skipped', async (t) => {
  const record = store(folder(), {})
  t.same(await typesOf(classifier(rules.slice(0, 1), 'compat'), record), ['b1000'])
})

t.test('only groups of odd number are private', async (t) => {
  const even = [{ type: 'T', rules: [{ tag: ['0x0018', 'X', '0x0c'], value: '1' }] }]
  t.throws(() => classifier(even), { message: /"X" is no number/ })
})
