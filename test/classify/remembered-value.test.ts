// A value that was seen before is not read again: what that is must be the same for all objects, whatever came before.
import t from 'tap'
import { el, syntax, type CtImageOptions } from '../fixtures/dicom-writer.ts'
import { classifier, folder, store, typesOf } from './classified.ts'

const rules = [
  { type: 'named', rules: [{ tag: ['PatientName'], value: '^Øst' }] },
  { type: 'ct', rules: [{ tag: ['Modality'], operator: '==', value: 'CT' }] },
  { type: 'tall', rules: [{ tag: ['Rows'], operator: '==', value: '258' }] },
  { type: 'square', rules: [{ tag: ['Rows'], operator: '==', value: ['Columns'] }] },
  { type: 'second', rules: [{ tag: ['0x08', '0x08', '1'], value: '^PRIMARY$' }] },
  { type: 'without', rules: [{ tag: ['PatientComments'], operator: 'notexists', value: '' }] },
]
const name = (bytes: string) => el(0x00100010, 'PN', Buffer.from(bytes, 'latin1'))
const set = (term: string) => el(0x00080005, 'CS', term)

/** 258 has the bytes of 513 in the other order. */
const objects: readonly [CtImageOptions, string[]][] = [
  [{ rows: 258, columns: 8 }, ['ct', 'tall', 'second', 'without']],
  [{ rows: 513, columns: 8, transferSyntax: syntax.bigEndian }, ['ct', 'second', 'without']],
  [{ rows: 8, columns: 8 }, ['ct', 'square', 'second', 'without']],
  [
    { rows: 8, columns: 9, elements: [set('ISO_IR 100'), name('\u00d8st')] },
    ['named', 'ct', 'second', 'without'],
  ],
  // The same bytes are Cyrillic letters there, and one is none in UTF-8.
  [
    { rows: 8, columns: 9, elements: [set('ISO_IR 144'), name('\u00d8st')] },
    ['ct', 'second', 'without'],
  ],
  [
    { rows: 8, columns: 9, elements: [set('ISO_IR 192'), name('\u00c3\u0098st')] },
    ['named', 'ct', 'second', 'without'],
  ],
  [{ rows: 8, columns: 9, elements: [el(0x00104000, 'LT', 'told')] }, ['ct', 'second']],
  [{ rows: 8, columns: 9, elements: [el(0x00080060, 'CS', 'MR')] }, ['second', 'without']],
  [{ rows: 8, columns: 9, elements: [el(0x00080008, 'CS', 'ORIGINAL')] }, ['ct', 'without']],
]

t.test('what an object is does not depend on what came before it', async (t) => {
  const directory = folder()
  const records = objects.map(([image, types], at) => ({
    record: store(directory, { ...image, instanceNumber: at + 1 }),
    types,
  }))
  const one = classifier(rules, 'strict')
  for (const order of [records, records.toReversed(), [...records, ...records]]) {
    for (const { record, types } of order) t.same(await typesOf(one, record), types)
  }
})
