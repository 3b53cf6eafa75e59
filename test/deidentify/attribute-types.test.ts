import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import { DicomFile, vrOf } from '../../src/lib/dicom/index.ts'
import {
  type ProfileRow,
  Surroundings,
  decideByTable,
  profileRows,
  tableOptions,
} from '../../src/lib/deidentify/index.ts'
import { allPolicies } from '../../src/lib/deidentify/object-policy.ts'
import { ctImage, el } from '../fixtures/dicom-writer.ts'
import { missing } from '../fixtures/peers.ts'
import { deidentify, filesUnder, newUidOf } from './deidentified.ts'
import { plantedValue } from './planted-value.ts'

const root = '1.2.840.10008.5.1.4.1.1.'
const file = DicomFile.fromBuffer(ctImage())
const top = new Surroundings(file, file.dataSet)
const inside = top.inside(0x00082218, file.dataSet)
const settings = { options: new Set<never>(), honourPrivateDataInformation: false }
const ofClass = decideByTable(settings)
const compound = profileRows().filter(({ basic }) => basic.includes('/'))
const tagOf = ({ tag }: ProfileRow) => Number.parseInt(tag, 16)
const tags = new Map(compound.map((row) => [row.keyword, tagOf(row)]))
const actions: Readonly<Record<string, string>> = { X: 'remove', Z: 'empty', D: 'dummy' }
const firstOf = ({ basic }: ProfileRow) => actions[basic.charAt(0)]
const lastOf = ({ basic }: ProfileRow) => actions[basic.slice(basic.lastIndexOf('/') + 1)] ?? 'keep'

/** References to images stay, with new UIDs; the request says who the patient becomes. */
const isDecided = ({ basic, keyword }: ProfileRow) =>
  basic.endsWith('U*') || keyword === 'PatientID'

/** What is not of type 3 in some IODs, read from PS3.3 by hand: attributes by class and what they come to. */
const types: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // CR, CT, MR, NM, secondary capture: General Series, General Equipment, General Image.
  '1': {},
  '2': {},
  '4': {},
  '20': { AcquisitionContextSequence: 'empty' },
  '7': {},
  // Ultrasound: AcquisitionDateTime is 1C of its images.
  '6.1': { AcquisitionDateTime: 'dummy' },
  '3.1': { AcquisitionDateTime: 'dummy' },
  // DX and mammography.
  '1.1': {
    AcquisitionContextSequence: 'empty',
    ReferencedPerformedProcedureStepSequence: 'dummy',
  },
  '1.2': {
    AcquisitionContextSequence: 'empty',
    ReferencedPerformedProcedureStepSequence: 'dummy',
  },
  // PET: dates of its series and its images.
  '128': {
    AcquisitionContextSequence: 'empty',
    AcquisitionDate: 'empty',
    AcquisitionTime: 'empty',
    SeriesDate: 'dummy',
    SeriesTime: 'dummy',
  },
  // XA.
  '12.1': {},
  // Enhanced CT and MR.
  '2.1': enhanced(),
  '4.1': enhanced(),
  // Multi-frame secondary capture, which may have functional groups.
  '7.2': { ContentDate: 'dummy', ContentTime: 'dummy' },
  // Segmentation.
  '66.4': {
    ContentDate: 'dummy',
    ContentTime: 'dummy',
    DeviceSerialNumber: 'dummy',
    ReferencedPerformedProcedureStepSequence: 'dummy',
  },
  // Structure set, dose, plan, and the record of a treatment.
  '481.3': { OperatorsName: 'empty', ReviewerName: 'empty' },
  '481.2': { OperatorsName: 'empty' },
  '481.5': {
    OperatorsName: 'empty',
    ReviewerName: 'empty',
    RTPlanDate: 'dummy',
    RTPlanTime: 'dummy',
  },
  '481.4': {
    FirstTreatmentDate: 'dummy',
    MostRecentTreatmentDate: 'dummy',
    OperatorsName: 'empty',
    TreatmentDate: 'dummy',
    TreatmentTime: 'dummy',
  },
  // Enhanced SR and key objects.
  '88.22': report(),
  '88.59': report(),
  // Presentation state.
  '11.1': {},
  // Encapsulated PDF.
  '104.1': { AcquisitionDateTime: 'empty' },
  // ECG.
  '9.1.1': {
    AcquisitionContextSequence: 'empty',
    AcquisitionDateTime: 'dummy',
    ContentDate: 'dummy',
    ContentTime: 'dummy',
  },
  // Whole slides and their labels.
  '77.1.6': {
    ...enhanced(),
    BarcodeValue: 'empty',
    LabelText: 'empty',
  },
}

function enhanced() {
  return {
    AcquisitionContextSequence: 'empty',
    AcquisitionDateTime: 'dummy',
    ContentDate: 'dummy',
    ContentTime: 'dummy',
    DeviceSerialNumber: 'dummy',
    ReferencedPerformedProcedureStepSequence: 'dummy',
  }
}

function report() {
  return {
    ContentDate: 'dummy',
    ContentTime: 'dummy',
    ObservationDateTime: 'dummy',
    ReferencedPerformedProcedureStepSequence: 'empty',
  }
}

for (const [suffix, expected] of Object.entries(types)) {
  t.test(`the type in the IOD decides: ${suffix}`, (t) => {
    const decide = ofClass(root + suffix)
    t.same(
      Object.keys(expected).filter((keyword) => !tags.has(keyword)),
      [],
    )
    for (const row of compound.filter((row) => !isDecided(row))) {
      const ofAnimals = row.keyword === 'PatientSexNeutered' ? 'empty' : undefined
      const action = expected[row.keyword] ?? ofAnimals ?? firstOf(row)
      t.equal(decide(tagOf(row), top).action, action, row.keyword)
    }
    t.end()
  })
}

t.test('where the type is not known, the alternative is taken that is always valid', (t) => {
  const unknown = [`${root}481.12`, '1.2.3.4', `${root}2.99`, '']
  for (const row of compound) {
    for (const uid of unknown) {
      const decision = ofClass(uid)(tagOf(row), top)
      t.equal(decision.action, lastOf(row), `${row.keyword} of ${uid}`)
      t.equal(decision.type, undefined)
    }
    // In items the macro that is included there says it.
    t.equal(ofClass(`${root}2`)(tagOf(row), inside).action, lastOf(row), `${row.keyword} inside`)
  }
  t.end()
})

t.test('references to images stay, with new UIDs, whatever their type', (t) => {
  for (const keyword of ['ReferencedImageSequence', 'SourceImageSequence']) {
    t.equal(ofClass(`${root}2`)(tags.get(keyword) ?? 0, top).action, 'keep', keyword)
  }
  t.end()
})

t.test('an option decides before the type; what it cannot keep becomes what the type says', (t) => {
  for (const row of compound.filter((row) => !isDecided(row))) {
    for (const option of tableOptions) {
      const letter = row.options.get(option)
      if (letter === undefined) continue
      const with_ = decideByTable({ ...settings, options: new Set([option]) })(`${root}2`)
      const { action, otherwise, because } = with_(tagOf(row), top)
      t.match(action, /^(?:keep|clean|shiftDate)$/, `${row.keyword} ${option}`)
      t.equal(otherwise, ofClass(`${root}2`)(tagOf(row), top).action, row.keyword)
      t.equal(because, 'option')
    }
  }
  t.end()
})

t.test('without any single row with alternatives a CT is decided about in another way', (t) => {
  const rows = profileRows()
  for (const row of compound) {
    const without = decideByTable(
      settings,
      rows.filter(({ tag }) => tag !== row.tag),
    )(`${root}2`)
    t.notSame(without(tagOf(row), top), ofClass(`${root}2`)(tagOf(row), top), row.keyword)
  }
  t.end()
})

/** An object with every attribute whose action has alternatives, and little else. */
function objectOf(suffix: string, number: number): Buffer {
  const elements = compound
    .filter((row) => !isDecided(row))
    .map((row) => plantedValue(tagOf(row), vrOf(tagOf(row)) ?? 'UN', 'Zwartkops'))
  return ctImage({
    sopUID: `2.25.777${String(number)}`,
    elements: [el(0x00080016, 'UI', root + suffix), ...elements],
  })
}

t.test(
  'no class has more errors of types in what goes out than in what came',
  { skip: missing('dciodvfy') },
  async (t) => {
    const suffixes = allPolicies().flatMap(([uid]) =>
      uid.startsWith(root) ? [uid.slice(root.length)] : [],
    )
    const objects = suffixes.map((suffix, at) => objectOf(suffix, at))
    const { site } = await deidentify(objects)
    const made = new Map(filesUnder(site.root).map((path) => [basename(path), path]))
    let complaints = 0
    suffixes.forEach((suffix, at) => {
      const path = made.get(`${newUidOf(`2.25.777${String(at)}`)}.dcm`)
      if (path === undefined) throw new Error(`nothing was made of ${suffix}`)
      const input = join(site.root, 'input')
      writeFileSync(input, objects[at] ?? '')
      const before = new Set(errorsOfTypes(input))
      complaints += before.size
      const news = errorsOfTypes(path).filter((line) => !before.has(line))
      t.same(news, [], suffix)
    })
    // It was a validator that looked.
    t.ok(complaints > 100)
  },
)

/** Of attributes that are missing or empty; the values that it quotes are left out. */
function errorsOfTypes(path: string): string[] {
  const { stderr } = spawnSync('dciodvfy', [path], { encoding: 'utf8' })
  return stderr.split('\n').filter((line) => line.startsWith('Error') && /Missing|Empty/.test(line))
}
