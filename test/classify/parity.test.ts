// What the original FIONA was seen to do with each of these, and what strict does.
import t from 'tap'
import type { CtImageOptions } from '../fixtures/dicom-writer.ts'
import { el } from '../fixtures/dicom-writer.ts'
import { classifier, completed, folder, store, typesOf } from './classified.ts'

const object: CtImageOptions = {
  rows: 256,
  columns: 128,
  elements: [
    el(0x00080008, 'CS', ['ORIGINAL', 'PRIMARY', 'M', 'NORM']),
    el(0x00080060, 'CS', 'MR'),
    el(0x00080070, 'LO', 'SIEMENS'),
    el(0x0008103e, 'LO', 't1_mprage'),
    el(0x00180081, 'DS', '2.98'),
    el(0x00181310, 'US', [0, 256, 256, 0]),
    el(0x00200037, 'DS', ['1', '0', '0', '0', '1', '0']),
    el(0x00191009, 'UN', Buffer.from('HC1-7;NE1')),
  ],
}
const imageType = ['0x08', '0x08']
const rows = ['0x28', '0x10']
const modality = ['0x08', '0x60']
const missing = ['0x18', '0x24']

interface Row {
  readonly case: string
  readonly test: Readonly<Record<string, unknown>>
  readonly compat: boolean
  readonly strict: boolean | RegExp
}
const table: readonly Row[] = [
  {
    case: 'a regexp on the text of a list',
    test: { tag: imageType, value: "'M', 'NORM'\\]$" },
    compat: true,
    strict: true,
  },
  {
    case: 'contains takes a whole element of a list',
    test: { tag: imageType, operator: 'contains', value: 'NORM' },
    compat: true,
    strict: true,
  },
  {
    case: 'contains takes no part of an element',
    test: { tag: imageType, operator: 'contains', value: 'NOR' },
    compat: false,
    strict: false,
  },
  {
    case: 'contains takes a part of a single text, by name',
    test: { tag: ['SeriesDescription'], operator: 'contains', value: 'mpr' },
    compat: true,
    strict: true,
  },
  {
    case: 'contains takes a part of a single text, by tag',
    test: { tag: ['0x08', '0x103e'], operator: 'contains', value: 'mpr' },
    compat: true,
    strict: true,
  },
  {
    case: 'a regexp minds the case',
    test: { tag: ['0x08', '0x70'], value: '^siemens' },
    compat: false,
    strict: false,
  },
  {
    case: '== compares numbers',
    test: { tag: rows, operator: '==', value: '256' },
    compat: true,
    strict: true,
  },
  {
    case: '== compares numbers, not their spelling',
    test: { tag: rows, operator: '==', value: '256.0' },
    compat: true,
    strict: true,
  },
  {
    case: '== on texts: passes in compat',
    test: { tag: modality, operator: '==', value: 'CT' },
    compat: true,
    strict: false,
  },
  {
    case: '== on texts, by name',
    test: { tag: ['Modality'], operator: '==', value: 'CT' },
    compat: true,
    strict: false,
  },
  {
    case: '== on equal texts',
    test: { tag: modality, operator: '==', value: 'MR' },
    compat: true,
    strict: true,
  },
  {
    case: '== on a missing tag',
    test: { tag: missing, operator: '==', value: '1' },
    compat: true,
    strict: false,
  },
  {
    case: '> on a missing tag',
    test: { tag: missing, operator: '>', value: '1' },
    compat: true,
    strict: false,
  },
  {
    case: '!= on a missing tag, negated',
    test: { tag: missing, operator: '!=', value: '1', negate: 'yes' },
    compat: true,
    strict: true,
  },
  {
    case: '!= on a missing tag',
    test: { tag: missing, operator: '!=', value: '1' },
    compat: true,
    strict: false,
  },
  {
    case: '== on a missing tag, negated',
    test: { tag: missing, operator: '==', value: '1', negate: 'yes' },
    compat: true,
    strict: true,
  },
  {
    case: '.* on a missing tag',
    test: { tag: missing, value: '.*' },
    compat: true,
    strict: false,
  },
  { case: 'X on a missing tag', test: { tag: missing, value: 'X' }, compat: false, strict: false },
  {
    case: 'X on a missing tag, negated',
    test: { tag: missing, value: 'X', negate: 'yes' },
    compat: true,
    strict: true,
  },
  {
    case: 'contains on a missing tag',
    test: { tag: missing, operator: 'contains', value: 'X' },
    compat: false,
    strict: false,
  },
  {
    case: '>= was never true',
    test: { tag: rows, operator: '>=', value: '256' },
    compat: false,
    strict: true,
  },
  {
    case: '>= was never true, negated or not',
    test: { tag: rows, operator: '>=', value: '256', negate: 'yes' },
    compat: false,
    strict: false,
  },
  {
    case: 'exists was never true',
    test: { tag: rows, operator: 'exists', value: '' },
    compat: false,
    strict: true,
  },
  {
    case: 'exist crashed: it does what it was meant to',
    test: { tag: rows, operator: 'exist', value: '' },
    compat: true,
    strict: true,
  },
  {
    case: 'notexist crashed: it does what it was meant to',
    test: { tag: rows, operator: 'notexist', value: '' },
    compat: false,
    strict: false,
  },
  {
    case: 'approx on the exact orientation',
    test: { tag: ['0x20', '0x37'], operator: 'approx', value: [1, 0, 0, 0, 1, 0] },
    compat: false,
    strict: true,
  },
  {
    case: 'approx on a number',
    test: { tag: ['0x18', '0x81'], operator: 'approx', value: '2.98' },
    compat: true,
    strict: true,
  },
  {
    case: 'approx beyond its tolerance',
    test: { tag: ['0x18', '0x81'], operator: 'approx', value: '2.99', approxLevel: '0.005' },
    compat: false,
    strict: false,
  },
  {
    case: 'an index takes one of several values',
    test: { tag: ['0x08', '0x08', '2'], value: '^M$' },
    compat: true,
    strict: true,
  },
  {
    case: 'an index beyond the last value',
    test: { tag: ['0x08', '0x08', '9'], value: '^M$' },
    compat: false,
    strict: false,
  },
  {
    case: 'an index of a single text is a character',
    test: { tag: ['0x08', '0x60', '1'], value: '^R$' },
    compat: true,
    strict: false,
  },
  {
    case: 'a zero-padded decimal is no tag: skipped',
    test: { tag: ['08', '0x08'], value: 'no such text' },
    compat: true,
    strict: /"08" is no number.*did you mean "0x08"\?/,
  },
  {
    case: 'a tag of four parts is no tag: skipped',
    test: { tag: ['0x08', '0x08', '1', '1'], value: 'no such text' },
    compat: true,
    strict: /1 to 3 parts, not 4/,
  },
  {
    case: 'decimal numbers are a tag',
    test: { tag: ['40', '16'], operator: '==', value: '256' },
    compat: true,
    strict: true,
  },
  {
    case: 'a value that is a tag is that of the object',
    test: { tag: rows, operator: '==', value: ['0x28', '0x10'] },
    compat: true,
    strict: true,
  },
  {
    case: 'a value that is another tag',
    test: { tag: rows, operator: '==', value: ['0x28', '0x11'] },
    compat: false,
    strict: false,
  },
  {
    case: 'negate "true" is ignored',
    test: { tag: rows, operator: '==', value: '256', negate: 'true' },
    compat: true,
    strict: /"negate" is "yes" or left out, not "true"/,
  },
  {
    case: 'a matrix by name reads as a list',
    test: { tag: ['AcquisitionMatrix'], value: '0, 256, 256, 0' },
    compat: true,
    strict: true,
  },
  {
    case: 'a modality by name is a list with one element',
    test: { tag: ['Modality'], value: '^MR' },
    compat: false,
    strict: true,
  },
  {
    case: 'the same, not anchored',
    test: { tag: ['Modality'], value: 'MR' },
    compat: true,
    strict: true,
  },
  {
    case: 'a name found in the object only is its whole element',
    test: { tag: ['BodyPartExamined'], value: '^CHEST$' },
    compat: false,
    strict: true,
  },
  {
    case: 'the same, not anchored',
    test: { tag: ['BodyPartExamined'], value: "CS: 'CHEST'$" },
    compat: true,
    strict: false,
  },
  {
    case: 'unknown bytes read as Python bytes',
    test: { tag: ['0x19', '0x1009'], value: "^b'HC1-7;" },
    compat: true,
    strict: false,
  },
  {
    case: 'unknown bytes that are text, as text',
    test: { tag: ['0x19', '0x1009'], value: '^HC1-7;' },
    compat: false,
    strict: true,
  },
  {
    case: 'contains on unknown bytes',
    test: { tag: ['0x19', '0x1009'], operator: 'contains', value: 'NE1' },
    compat: true,
    strict: true,
  },
  {
    case: 'several values are no number',
    test: { tag: ['0x18', '0x1310'], operator: '==', value: '256' },
    compat: false,
    strict: false,
  },
  {
    case: 'in, which the original lacks',
    test: { tag: rows, operator: 'in', value: [128, '256.0'] },
    compat: false,
    strict: true,
  },
  {
    case: '<= against another attribute',
    test: { tag: ['0x28', '0x11'], operator: '<=', value: ['0x28', '0x10'] },
    compat: false,
    strict: true,
  },
  {
    case: 'a name that the original misspelt is never there',
    test: { tag: ['SoftwareVersion'], value: 'x', negate: 'yes' },
    compat: true,
    strict: /no attribute is called "SoftwareVersion"; did you mean "SoftwareVersions"\?/,
  },
]

for (const semantics of ['compat', 'strict'] as const) {
  t.test(`one test alone, ${semantics}`, async (t) => {
    const record = store(folder(), object)
    for (const { case: name, test, [semantics]: expected } of table) {
      const rules = [{ type: 'yes', rules: [test] }]
      if (typeof expected === 'object') {
        t.throws(() => classifier(rules, semantics), { message: expected }, name)
        continue
      }
      t.same(await typesOf(classifier(rules, semantics), record), expected ? ['yes'] : [], name)
    }
  })
}

const isTrue = { tag: modality, value: 'MR' }
const isFalse = { tag: modality, value: 'CT' }

t.test('notrule: compat negates each entry, strict the whole', async (t) => {
  const record = store(folder(), object)
  const mixed = [
    { type: 'mixed', id: 'mixed', rules: [isTrue, isFalse] },
    { type: 'yes', rules: [{ notrule: 'mixed' }] },
  ]
  t.same(await typesOf(classifier(mixed, 'compat'), record), [])
  t.same(await typesOf(classifier(mixed, 'strict'), record), ['yes'])
  const negated = [
    { type: 'n', id: 'n', rules: [{ ...isFalse, negate: 'yes' }] },
    { type: 'yes', rules: [{ notrule: 'n' }] },
  ]
  // The entry was negated and stays so: NOT NOT false is true, and the original says NOT false.
  t.same(await typesOf(classifier(negated, 'compat'), record), ['n', 'yes'])
  t.same(await typesOf(classifier(negated, 'strict'), record), ['n'])
})

t.test('references go on through references, before or after in the file', async (t) => {
  const record = store(folder(), object)
  const rules = [
    { type: 'c', rules: [{ rule: 'B' }] },
    { type: 'b', id: 'B', rules: [{ rule: 'A' }, { tag: rows, operator: '==', value: '256' }] },
    { type: 'a', id: 'A', rules: [isTrue] },
    { type: 'd', rules: [{ rule: 'B' }, isFalse] },
  ]
  for (const semantics of ['compat', 'strict'] as const) {
    t.same(await typesOf(classifier(rules, semantics), record), ['c', 'b', 'a'])
  }
})

t.test('a circle of references: compat has nothing left to test, strict refuses it', async (t) => {
  const record = store(folder(), object)
  const rules = [
    { type: 'x', id: 'X', rules: [{ rule: 'Y' }] },
    { type: 'y', id: 'Y', rules: [{ rule: 'X' }] },
  ]
  t.same(await typesOf(classifier(rules, 'compat'), record), ['x', 'y'])
  t.throws(() => classifier(rules, 'strict'), { message: /in a circle: X → Y → X/, exitCode: 78 })
})

t.test(
  'a type that asks for another: compat from the second object on, strict at once',
  async (t) => {
    const directory = folder()
    const rules = [
      { type: 'chained', rules: [{ tag: ['ClassifyType'], operator: 'contains', value: 'mr' }] },
      { type: 'mr', rules: [isTrue] },
    ]
    for (const [semantics, expected] of [
      ['compat', [['mr'], ['chained', 'mr'], ['chained', 'mr']]],
      [
        'strict',
        [
          ['chained', 'mr'],
          ['chained', 'mr'],
          ['chained', 'mr'],
        ],
      ],
    ] as const) {
      const each = classifier(rules, semantics)
      for (const [at, types] of expected.entries()) {
        t.same(await typesOf(each, store(directory, { ...object, instanceNumber: at + 1 })), types)
      }
    }
  },
)

t.test('SeriesLevel: compat follows the last object, strict wants all', async (t) => {
  const directory = folder()
  const rules = [
    { type: 'all', check: 'SeriesLevel', rules: [{ tag: rows, operator: '==', value: '256' }] },
  ]
  const records = [256, 128, 256].map((size, at) =>
    store(directory, { rows: size, columns: 8, instanceNumber: at + 1 }),
  )
  const series = { ...records[0], type: 'series', path: directory, instances: 3, ...completed }
  for (const [semantics, ofSeries] of [
    ['compat', ['all']],
    ['strict', []],
  ] as const) {
    const each = classifier(rules, semantics)
    const seen: string[][] = []
    for (const record of records) seen.push(await typesOf(each, record))
    t.same(seen, [['all'], [], ['all']])
    t.same(await typesOf(each, series), ofSeries)
  }
})
