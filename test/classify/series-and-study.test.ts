import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { el } from '../fixtures/dicom-writer.ts'
import { classifier, completed, folder, seriesOf, store, study, typesOf } from './classified.ts'

const plane = (type: string, value: number[]) => ({
  type,
  rules: [{ tag: ['0x20', '0x37'], operator: 'approx', value }],
})
const has = (type: string) => ({ tag: ['ClassifyType'], operator: 'contains', value: type })
const rules = [
  plane('axial', [1, 0, 0, 0, 1, 0]),
  plane('coronal', [1, 0, 0, 0, 0, -1]),
  {
    type: 'oblique',
    check: 'SeriesLevel',
    rules: [
      { ...has('axial'), negate: 'yes' },
      { ...has('coronal'), negate: 'yes' },
    ],
  },
  { type: 'localizer', rules: [has('axial'), has('coronal')] },
  { type: 'CHECKBURNEDINFO', rules: [{ tag: ['0x28', '0x301'], value: 'YES' }] },
]
const axial = ['1', '0', '0', '0', '1', '0']
const coronal = ['1', '0', '0', '0', '0', '-1']
const tilted = ['0.7', '0.7', '0', '0', '0', '-1']
const oriented = (orientation: string[]) => ({ elements: [el(0x00200037, 'DS', orientation)] })

function seriesRecord(series: number, records: readonly AnyRecord[], more: object): AnyRecord {
  const SeriesInstanceUID = seriesOf(series)
  const instances = records.length
  return {
    type: 'series',
    StudyInstanceUID: study,
    SeriesInstanceUID,
    path: null,
    instances,
    ...completed,
    ...more,
  }
}

/** A study as the archive keeps it, each series in a directory of its own. */
function archive(): { directory: string; records: AnyRecord[]; study: AnyRecord } {
  const directory = folder()
  const put = (series: number, instanceNumber: number, orientation: string[], burned = false) => {
    const into = join(directory, seriesOf(series))
    mkdirSync(into, { recursive: true })
    const elements = [
      el(0x00200037, 'DS', orientation),
      ...(burned ? [el(0x00280301, 'CS', 'YES')] : []),
    ]
    return store(into, { series, instanceNumber, elements })
  }
  const records = [put(1, 1, axial), put(1, 2, coronal), put(2, 1, tilted), put(2, 2, tilted, true)]
  const series = [1, 2].map((number) => ({ SeriesInstanceUID: seriesOf(number), instances: 2 }))
  const path = directory
  return {
    directory,
    records,
    study: { type: 'study', StudyInstanceUID: study, path, series, instances: 4, ...completed },
  }
}
const expected = {
  ClassifyType: ['axial', 'coronal', 'oblique', 'localizer', 'CHECKBURNEDINFO'],
  series: [
    { ClassifyType: ['axial', 'coronal', 'localizer'] },
    { ClassifyType: ['oblique', 'CHECKBURNEDINFO'] },
  ],
}

t.test('what went by needs no reading again', async (t) => {
  const { directory, records, study } = archive()
  const each = classifier(rules)
  t.same(await typesOf(each, records[0] ?? { type: '' }), ['axial'])
  t.same(await typesOf(each, records[2] ?? { type: '' }), ['oblique'])
  for (const record of records) await each.classify(record)
  rmSync(directory, { recursive: true })
  t.match(await each.classify(study), expected)
  const series = seriesRecord(1, [1, 2] as unknown as AnyRecord[], { path: join(directory, 'x') })
  t.same(await typesOf(each, series), ['axial', 'coronal', 'localizer'])
})

t.test('what did not go by is read where the record says it is', async (t) => {
  const { directory, records, study } = archive()
  t.match(await classifier(rules).classify(study), expected, 'nothing went by')
  const half = classifier(rules)
  await half.classify(records[0] ?? { type: '' })
  await half.classify(records[0] ?? { type: '' })
  t.match(await half.classify(study), expected, 'one of two, twice')
  const forgetful = classifier(rules, 'strict', { mostObjects: 1 })
  for (const record of records) await forgetful.classify(record)
  t.match(await forgetful.classify(study), expected, 'all, and forgotten')
  const path = join(directory, seriesOf(1))
  const series = seriesRecord(1, records.slice(0, 2), { path })
  t.same(await typesOf(classifier(rules), series), ['axial', 'coronal', 'localizer'])
})

t.test('objects of several studies in one folder: the files of the record count', async (t) => {
  const directory = folder()
  const records = [
    store(directory, { ...oriented(axial), series: 1 }),
    store(directory, { ...oriented(coronal), series: 2 }),
    store(directory, { ...oriented(coronal), series: 1, studyUID: '2.25.77', sopUID: '2.25.78' }),
  ]
  const series = [1, 2].map((number, at) => ({
    SeriesInstanceUID: seriesOf(number),
    instances: 1,
    files: [String(records[at]?.['path'])],
  }))
  const totals = { instances: 2, ...completed }
  const found = { type: 'study', StudyInstanceUID: study, path: null, series, ...totals }
  t.match(await classifier(rules).classify(found), {
    ClassifyType: ['axial', 'coronal'],
    series: [{ ClassifyType: ['axial'] }, { ClassifyType: ['coronal'] }],
  })
  // A directory that is not the series' own: its other objects are other people's.
  const mixed = seriesRecord(1, [records[0] ?? { type: '' }], { path: directory })
  t.same(await typesOf(classifier(rules), mixed), ['axial'])
})

t.test('a series that is not all there has no types but an error', async (t) => {
  const { records, study } = archive()
  const path = String(records[3]?.['path'])
  renameSync(path, `${path}.elsewhere.tmp`)
  rmSync(`${path}.elsewhere.tmp`)
  const rejected = (record: AnyRecord, code: string, message: RegExp) =>
    t.rejects(async () => classifier(rules).classify(record), { code, message })
  await rejected(study, 'E_FILE_MISSING', /only 1 of 2 objects/)
  writeFileSync(path, 'not DICOM at all, but long enough to look at')
  await rejected(study, 'E_DICOM_PARSE', /\.dcm: /)
  const series = { SeriesInstanceUID: seriesOf(2), instances: 2 }
  await rejected({ ...study, path: null, series: [series] }, 'E_FILE_MISSING', /does not say where/)
  await rejected({ ...study, path: dirname(path) + 'x' }, 'E_FILE_MISSING', /no directory at/)
  await rejected({ ...study, series: 7 }, 'E_RECORD_INVALID', /study record: series must be array/)
})

t.test('another object under a UID of the series counts, and its types too', async (t) => {
  const { records, study } = archive()
  const path = String(records[1]?.['path']).replace(/\.dcm$/, '~0123456789abcdef.dcm')
  renameSync(String(records[1]?.['path']), path)
  store(dirname(path), { instanceNumber: 2, ...oriented(tilted) })
  const series = [{ SeriesInstanceUID: seriesOf(1), instances: 3 }]
  const each = classifier(rules)
  for (const record of records.slice(0, 1)) await each.classify(record)
  t.same(await typesOf(each, { ...study, series }), ['axial', 'coronal', 'localizer'])
})

t.test('a study that comes back with more objects gets their types too', async (t) => {
  const { directory, records, study } = archive()
  const each = classifier(rules)
  for (const record of records.slice(0, 2)) await each.classify(record)
  const first = { ...study, series: [{ SeriesInstanceUID: seriesOf(1), instances: 2 }] }
  t.same(await typesOf(each, first), ['axial', 'coronal', 'localizer'])
  for (const record of records.slice(2)) await each.classify(record)
  rmSync(directory, { recursive: true })
  t.match(await each.classify({ ...study, revision: 2 }), expected)
})

t.test('unknown fields of records stay, and the input is not touched', async (t) => {
  const { records, study } = archive()
  const [record = { type: '' }] = records
  const before = structuredClone({ ...record, note: { kept: 1 } })
  t.match(await classifier(rules).classify(before), { note: { kept: 1 }, path: record['path'] })
  t.same(before, { ...record, note: { kept: 1 } })
  const copy = structuredClone(study)
  await classifier(rules).classify(study)
  t.same(study, copy)
})

t.test('an explanation says what was found and why it did not do', async (t) => {
  const { records, study } = archive()
  const each = classifier(rules, 'strict', { explain: true })
  const classified = await each.classify(records[0] ?? { type: '' })
  t.match(classified['classifyTrace'], [
    { type: 'axial', matched: true, tests: [{ found: '[1, 0, 0, 0, 1, 0]', passed: true }] },
    { type: 'coronal', matched: false, tests: [{ operator: 'approx', passed: false }] },
    { type: 'oblique', check: 'SeriesLevel', tests: [{ negate: true, found: "['axial']" }, {}] },
    { type: 'localizer', matched: false, tests: [{ passed: true }, { passed: false }] },
    { type: 'CHECKBURNEDINFO', matched: false, tests: [{ found: null, passed: false }] },
  ])
  t.match(await each.classify(study), {
    series: [{ classifyTrace: [{ type: 'axial', matched: true, objects: 1, of: 2 }] }, {}],
  })
  const compat = classifier(rules, 'compat', { explain: true })
  t.match((await compat.classify(records[3] ?? { type: '' }))['classifyTrace'], [
    { type: 'axial', matched: false },
    {},
    {},
    {},
    { type: 'CHECKBURNEDINFO', matched: true, tests: [{ found: 'YES', passed: true }] },
  ])
})
