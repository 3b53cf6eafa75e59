import t from 'tap'
import { el } from '../fixtures/dicom-writer.ts'
import { classifier, folder, store, typesOf } from './classified.ts'

const rules = [
  { type: 'begins', rules: [{ tag: ['ImageComments'], value: '^x{100}' }] },
  { type: 'ends', rules: [{ tag: ['ImageComments'], value: 'x$' }] },
  { type: 'nested', rules: [{ tag: ['ImageComments'], value: '^(x+)+y' }] },
  { type: 'bell', rules: [{ tag: ['SeriesDescription'], value: '^a\\x07\\x1f\\nb$' }] },
  { type: 'name', rules: [{ tag: ['PatientName'], value: '^山田' }] },
  { type: 'CT', rules: [{ tag: ['Modality'], value: 'CT' }] },
]

t.test('values of 64 kB, control characters and unknown SOP classes are classified', async (t) => {
  const directory = folder()
  const typesWith = (...elements: ReturnType<typeof el>[]) =>
    typesOf(classifier(rules), store(directory, { elements }))
  t.same(await typesWith(el(0x00204000, 'LT', 'x'.repeat(65_534))), ['begins', 'CT'])
  t.same(await typesWith(el(0x0008103e, 'LO', 'a\x07\x1f\nb')), ['bell', 'CT'])
  t.same(await typesWith(el(0x00080016, 'UI', '1.2.3.4.5')), ['CT'])
})

t.test('a name is the same in UTF-8, GB18030 and ISO 2022', async (t) => {
  const directory = folder()
  for (const [set, bytes] of [
    [['ISO_IR 192'], Buffer.from('山田^太郎')],
    [['GB18030'], Buffer.from('c9bdccef5eccabc0c9', 'hex')],
    [['', 'ISO 2022 IR 87'], Buffer.from('1b24423b3345441b28425e1b244242404f3a1b2842', 'hex')],
  ] as const) {
    const elements = [el(0x00080005, 'CS', [...set]), el(0x00100010, 'PN', bytes)]
    t.same(await typesOf(classifier(rules), store(directory, { elements })), ['name', 'CT'], set[0])
  }
})

t.test('an object without any of the attributes has the types of none', async (t) => {
  const without = [0x00080060, 0x0008103e, 0x00100010, 0x00080005]
  t.same(await typesOf(classifier(rules), store(folder(), { without })), [])
})
