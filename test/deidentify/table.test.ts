import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { DicomFile, formatTag, vrOf } from '../../src/lib/dicom/index.ts'
import type { DataSet } from '../../src/lib/dicom/index.ts'
import { type TestElement, ctImage, el, sq } from '../fixtures/dicom-writer.ts'
import { deidentify } from './deidentified.ts'
import { plantedValue, secretUid } from './planted-value.ts'
import { publishedRows } from './published-table.ts'

/** What each action comes to where the type of an attribute is not known: in sequences. */
const resolved: Readonly<Record<string, string>> = {
  X: 'X',
  Z: 'Z',
  D: 'D',
  U: 'U',
  'Z/D': 'D',
  'X/Z': 'Z',
  'X/D': 'D',
  'X/Z/D': 'D',
  'X/Z/U*': 'U*',
}
/** What actions with alternatives come to at the top of a CT image: there all such attributes are of type 3, but for one. */
const resolvedInCt: Readonly<Record<string, string>> = {
  ...resolved,
  'Z/D': 'Z',
  'X/Z': 'X',
  'X/D': 'X',
  'X/Z/D': 'X',
}
const ofAnimals = 0x00102203 // PatientSexNeutered, 2C
const secret = 'Zwartkops'

const special = new Set([0x00100010, 0x00100020, 0x00120020, 0x00120040])
/** They name the object; the fixture cannot have them twice. */
const naming = new Set([0x00080018, 0x0020000d, 0x0020000e])

// Of the published table, not of the engine's: a row that is not there is none that is looked for.
const rows = publishedRows
  .filter(({ tag }) => /^[0-9A-F]{8}$/.test(tag))
  .map(({ tag, basic, name: keyword }) => {
    const number = Number.parseInt(tag, 16)
    const inCt = number === ofAnimals ? 'Z' : resolvedInCt[basic]
    return { tag: number, action: resolved[basic], inCt, keyword, vr: vrOf(number) ?? 'UN' }
  })
  // Groups 0000 to 0007 are never in the data set of an object.
  .filter(({ tag }) => tag >>> 16 >= 8)

const kept = 0x00082218 // AnatomicRegionSequence
const places: Readonly<Record<string, (elements: TestElement[]) => TestElement[]>> = {
  'at the top': (elements) => elements,
  'two sequences deep': (elements) => [sq(kept, [[sq(kept, [elements])]])],
}
for (const [place, nest] of Object.entries(places)) {
  t.test(`every row has its action ${place}`, async (t) => {
    const elements = rows
      .filter(({ tag }) => !naming.has(tag))
      .map(({ tag, vr }) => plantedValue(tag, vr, secret))
    const { record, files } = await deidentify([ctImage({ elements: nest(elements) })])
    t.equal(record.type, 'deidentified', JSON.stringify(record['reasons']))
    // A date that no row has goes, too, but for another reason: what is counted tells by which.
    t.equal((record['removed'] as Record<string, number>)['unlisted'], undefined)
    const [path = ''] = files
    const bytes = readFileSync(path)
    t.notOk(bytes.toString('latin1').toLowerCase().includes(secret.toLowerCase()))
    t.notOk(bytes.includes(secretUid))
    t.notOk(bytes.includes('20230917'))
    using file = DicomFile.open(path)
    const inner = file.dataSet.get(kept)?.items?.[0]?.get(kept)?.items?.[0]
    const dataSet = place === 'at the top' ? file.dataSet : inner
    if (dataSet === undefined) throw new Error('the sequence is gone')
    for (const row of rows) {
      const action = place === 'at the top' ? row.inCt : row.action
      if (!naming.has(row.tag)) check(t, file, dataSet, { ...row, action })
    }
  })
}

function check(t: Test, file: DicomFile, dataSet: DataSet, row: (typeof rows)[number]): void {
  const { tag, action, vr } = row
  const element = dataSet.get(tag)
  const name = `${formatTag(tag)} ${row.keyword} ${String(action)}`
  if (special.has(tag)) {
    t.equal(file.string(dataSet, tag), tag === 0x00120020 ? 'default' : 'S001', name)
  } else if (action === 'X') t.equal(element, undefined, name)
  else if (element === undefined) t.fail(`${name}: it is gone`)
  else if (action === 'Z') {
    t.equal(element.length === 0 || element.items?.length === 0, true, name)
  } else if (action === 'U') t.match(file.string(dataSet, tag), /^2\.25\.[1-9]\d{10,38}$/, name)
  else if (action === 'U*') {
    const item = element.items?.[0]
    t.match(item && file.string(item, 0x00081155), /^2\.25\.[1-9]/, name)
  } else if (vr === 'SQ') {
    t.ok((element.items?.length ?? 0) > 0 && element.items?.[0]?.elements.length !== 0, name)
  } else {
    t.ok(element.length > 0, name)
    t.equal(element.vr, vr, name)
  }
}

t.test('overlays, curves and private attributes go, in whatever group', async (t) => {
  const elements = [
    el(0x00090010, 'LO', secret),
    el(0x00091001, 'LO', secret),
    el(0x50100005, 'US', 2),
    el(0x50103000, 'OW', [1, 2, 3]),
    el(0x50102500, 'LO', secret),
    el(0x60020010, 'US', 8),
    el(0x60020022, 'LO', secret),
    el(0x60021500, 'LO', secret),
    el(0x60023000, 'OW', [1, 2, 3, 4]),
    el(0x60024000, 'LT', secret),
  ]
  const { files } = await deidentify([ctImage({ elements })])
  using file = DicomFile.open(files[0] ?? '')
  t.notOk(file.dataSet.elements.some(({ tag }) => tag >>> 24 === 0x50 || tag >>> 24 === 0x60))
  t.notOk(file.dataSet.elements.some(({ tag }) => (tag & 0x10000) !== 0))
})

t.test(
  'what the dictionary does not know is removed, what it knows as technical stays',
  async (t) => {
    const elements = [
      el(0x00080777, 'LO', 'anything'),
      el(0x00287777, 'UN', Buffer.from('any')),
      el(0x00181210, 'SH', 'B30f'),
      el(0x00181020, 'LO', 'VB20'),
      sq(kept, [[el(0x00080100, 'SH', 'T-D4000'), el(0x00080104, 'LO', 'Abdomen')]]),
    ]
    const { files } = await deidentify([ctImage({ elements })])
    using file = DicomFile.open(files[0] ?? '')
    t.equal(file.dataSet.get(0x00080777), undefined)
    t.equal(file.dataSet.get(0x00287777), undefined)
    t.equal(file.string(file.dataSet, 0x00181210), 'B30f')
    t.equal(file.string(file.dataSet, 0x00181020), 'VB20')
    const item = file.dataSet.get(kept)?.items?.[0]
    t.equal(item && file.string(item, 0x00080104), 'Abdomen')
    t.same(file.numbers(file.dataSet, 0x00280010), [8])
  },
)
