import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Crosswalk } from '../../../src/lib/crosswalk/index.ts'
import { type Deidentifier, exclusionOf } from '../../../src/lib/deidentify/index.ts'
import { Review } from '../../../src/lib/deidentify/review/review.ts'
import { parseRecord, type AnyRecord, type FionaRecord } from '../../../src/lib/record/index.ts'
import { type TestElement, ctImage, el, sq } from '../../fixtures/dicom-writer.ts'
import {
  archived,
  deidentifierAt,
  filesUnder,
  key,
  newSite,
  study,
  type Site,
} from '../deidentified.ts'
import { profileOf } from '../with-profile.ts'

/** A site that has de-identified one study, for S001. */
interface Made {
  readonly site: Site
  readonly boundary: Deidentifier
  readonly crosswalk: Crosswalk
  readonly sent: AnyRecord
  /** Its new UID. */
  readonly uid: string
}

const clinical = [
  el(0x00100010, 'PN', 'Nightingale^Florence'),
  el(0x00100020, 'LO', 'HOSP-778812'),
  el(0x00100030, 'DA', '18200512'),
  el(0x00080050, 'SH', 'ACC-4711-99'),
]

async function made(t: Test): Promise<Made> {
  const site = newSite()
  const crosswalk = await Crosswalk.open(join(site.root, 'crosswalk.ndjson'), [key])
  t.teardown(() => crosswalk.close())
  const boundary = deidentifierAt(site, { crosswalk, out: undefined })
  const original = archived(
    site,
    [1, 2].map((n) =>
      ctImage({ instanceNumber: n, sopUID: `2.25.1001.1.${String(n)}`, elements: clinical }),
    ),
  )
  const sent = (await boundary.record(original)) as AnyRecord
  return { site, boundary, crosswalk, sent, uid: String(sent['StudyInstanceUID']) }
}

const ofPatient = { patientId: 'HOSP-778812', name: 'Nightingale^Florence' }

let number = 0
interface Derived {
  readonly patientId?: string
  readonly name?: string
  readonly study?: string
  readonly elements?: readonly TestElement[]
}

/** What a workstation makes of a de-identified study. */
function derived(
  { uid }: Made,
  { patientId = 'S001', name = 'S001', study = uid, elements = [] }: Derived = {},
): Buffer {
  const sopUID = `2.25.777.1.${String(++number)}`
  return ctImage({
    studyUID: study,
    seriesUID: '2.25.777.1',
    sopUID,
    instanceNumber: number,
    elements: [
      el(0x00080050, 'SH', ''),
      el(0x00080090, 'PN', ''),
      el(0x00100010, 'PN', name),
      el(0x00100020, 'LO', patientId),
      el(0x00100030, 'DA', ''),
      el(0x00200010, 'SH', ''),
      ...elements,
    ],
  })
}

/** Puts objects into the archive as a study, and says so. */
function arrived(
  { site }: Made,
  studyUID: string,
  objects: readonly Buffer[],
  more: object = {},
): AnyRecord {
  const path = join(site.dataDir, 'default', 'archive', studyUID)
  const folder = join(path, '2.25.777.1')
  mkdirSync(folder, { recursive: true })
  objects.forEach((object, at) => {
    writeFileSync(join(folder, `2.25.${String(number)}${String(at)}.dcm`), object)
  })
  const series = [{ SeriesInstanceUID: '2.25.777.1', instances: objects.length }]
  const counts = { instances: objects.length, bytes: 0, reason: 'flush', revision: 1 }
  return { type: 'study', StudyInstanceUID: studyUID, path, series, ...counts, ...more }
}

t.test(
  'what was made of a de-identified study goes on as it is, as that participant',
  async (t) => {
    const before = await made(t)
    const objects = [derived(before), derived(before)]
    const record = (await before.boundary.record(arrived(before, before.uid, objects))) as AnyRecord
    t.match(record, {
      type: 'deidentified',
      StudyInstanceUID: before.uid,
      participant: 'S001',
      project: 'default',
      profile: 'returned',
      series: [{ SeriesInstanceUID: '2.25.777.1', instances: 2 }],
      instances: 2,
      verified: { objects: 2 },
    })
    t.doesNotThrow(() => parseRecord(record))
    t.not(record['requestId'], before.sent['requestId'])
    const files = filesUnder(String(record['path']))
    t.equal(files.length, 2)
    for (const [at, path] of files.entries())
      t.ok(readFileSync(path).equals(objects[at] ?? Buffer.of()))
    t.equal(filesUnder(String(before.sent['path'])).length, 2, 'what was sent first is as it was')
  },
)

t.test('more of it later: the whole so far, under the same requestId', async (t) => {
  const before = await made(t)
  const first = (await before.boundary.record(
    arrived(before, before.uid, [derived(before)]),
  )) as AnyRecord
  const more = arrived(before, before.uid, [derived(before)], {
    revision: 2,
    series: [{ SeriesInstanceUID: '2.25.777.1', instances: 2 }],
    instances: 2,
  })
  const second = (await before.boundary.record(more)) as AnyRecord
  t.match(second, { requestId: first['requestId'], instances: 2, revision: 2 })
})

t.test('what comes back as it was sent is nothing new', async (t) => {
  const before = await made(t)
  const sent = filesUnder(String(before.sent['path'])).map((path) => readFileSync(path))
  t.equal(await before.boundary.record(arrived(before, before.uid, sent)), undefined)
})

t.test('who only knows the UID gets nothing through', async (t) => {
  const cases: { what: string; derived: Derived; reasons: object[] }[] = [
    {
      what: 'of a patient',
      derived: ofPatient,
      reasons: [{ code: 'patient-conflict', where: 'PatientID' }, { code: 'identity-found' }],
    },
    {
      what: 'of another participant',
      derived: { patientId: 'S002', name: 'S002' },
      reasons: [{ code: 'patient-conflict', where: 'PatientID' }],
    },
    {
      what: 'of nobody',
      derived: { patientId: '', name: '' },
      reasons: [{ code: 'patient-conflict', where: 'PatientID' }],
    },
    {
      what: 'a name beside the right number',
      derived: { name: 'Seacole^Mary' },
      reasons: [{ code: 'patient-conflict', where: 'PatientName' }],
    },
    {
      what: 'a birth name and an address of somebody',
      derived: { elements: [el(0x00101005, 'PN', 'Grant'), el(0x00101040, 'LO', 'Kingston 4')] },
      reasons: [
        { code: 'patient-conflict', where: 'PatientBirthName' },
        { code: 'patient-conflict', where: 'PatientAddress' },
      ],
    },
    {
      what: 'somebody’s other numbers',
      derived: {
        elements: [sq(0x00101002, [[el(0x00100020, 'LO', 'OTHER-1')]])],
      },
      reasons: [{ code: 'patient-conflict', where: 'PatientID' }],
    },
    {
      what: 'the patient in a comment',
      derived: { elements: [el(0x00204000, 'LT', 'measured again for Ms. Nightingale')] },
      reasons: [{ code: 'identity-found' }],
    },
    {
      what: 'the number of the patient in a private element',
      derived: {
        elements: [el(0x00990010, 'LO', 'WORKSTATION'), el(0x00991001, 'LO', 'HOSP-778812')],
      },
      reasons: [{ code: 'identity-found' }],
    },
    {
      what: 'a document',
      derived: { elements: [el(0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.104.1')] },
      reasons: [{ code: 'encapsulated-document' }],
    },
    {
      what: 'a picture of a screen',
      derived: { elements: [el(0x00080064, 'CS', 'WSD')] },
      reasons: [{ code: 'screen-capture' }],
    },
    {
      what: 'words in the pixels, as it says itself',
      derived: { elements: [el(0x00280301, 'CS', 'YES')] },
      reasons: [{ code: 'burned-in-annotation' }],
    },
  ]
  for (const { what, derived: how, reasons } of cases) {
    const before = await made(t)
    const objects = [derived(before), derived(before, how)]
    const record = (await before.boundary.record(arrived(before, before.uid, objects))) as AnyRecord
    t.equal(record.type, 'held', what)
    const found = record['reasons'] as Record<string, unknown>[]
    for (const reason of reasons) {
      const isThere = found.some((one) =>
        Object.entries(reason).every(([name, value]) => one[name] === value),
      )
      t.ok(isThere, `${what}: ${JSON.stringify(found)}`)
    }
    t.doesNotThrow(() => parseRecord(record))
    t.notMatch(JSON.stringify(record), /Nightingale|778812|Seacole/)
    t.same(filesUnder(join(before.site.dataDir, 'default', 'returned')), [], what)
  }
})

t.test('what cannot be read of the patient at the clinic lets nothing pass', async (t) => {
  const before = await made(t)
  const archive = join(before.site.dataDir, 'other', 'archive')
  mkdirSync(archive, { recursive: true })
  // A loop: it cannot be read, and it is not absent.
  symlinkSync(study, join(archive, study))
  const record = arrived(before, before.uid, [derived(before)])
  await t.rejects(before.boundary.record(record), { code: 'ELOOP' })
  t.same(filesUnder(join(before.site.dataDir, 'default', 'returned')), [])
})

t.test('a study whose UID nobody has given is de-identified', async (t) => {
  const before = await made(t)
  const record = (await before.boundary.record(
    arrived(before, '2.25.4711', [derived(before, { ...ofPatient, study: '2.25.4711' })]),
  )) as AnyRecord
  t.match(record, { type: 'deidentified', profile: 'basic' })
  t.not(record['StudyInstanceUID'], '2.25.4711')
})

t.test('where UIDs are kept, the study of the clinic is still de-identified', async (t) => {
  const before = await made(t)
  const StudyInstanceUID = '2.25.4712'
  const same = { project: 'default', participant: 'S001', StudyInstanceUID }
  await before.crosswalk.note([{ kind: 'study', ...same, newStudyInstanceUID: StudyInstanceUID }])
  const study = arrived(before, StudyInstanceUID, [
    derived(before, { ...ofPatient, study: StudyInstanceUID }),
  ])
  const profile = await profileOf('options: [retainUids]\n')
  const { site, crosswalk } = before
  const keeping = deidentifierAt(site, { crosswalk, out: undefined, profileOf: () => profile })
  t.match(await keeping.record(study), { type: 'deidentified', StudyInstanceUID })
})

t.test('a request for it must be for that participant', async (t) => {
  const before = await made(t)
  const { site, crosswalk } = before
  const boundary = deidentifierAt(site, { crosswalk, out: undefined, onlyRequests: true })
  const request = (participant: string) => ({
    ...arrived(before, before.uid, [derived(before)]),
    type: 'request',
    requestId: `r-${participant}`,
    project: 'default',
    participant,
    event: 'baseline',
    requestedBy: 'rules',
  })
  t.match(await boundary.record(request('S001')), {
    type: 'deidentified',
    requestId: 'r-S001',
    event: 'baseline',
    profile: 'returned',
  })
  t.match(await boundary.record(request('S002')), {
    type: 'held',
    requestId: 'r-S002',
    reasons: [{ code: 'participant-of-other-patient' }],
  })
})

const exclude = [{ modality: 'CT' }]

t.test('what the request leaves out does not go on, and the record says how many', async (t) => {
  const before = await made(t)
  const { site, crosswalk } = before
  const boundary = deidentifierAt(site, { crosswalk, out: undefined, onlyRequests: true })
  const request = (objects: readonly Buffer[], revision: number) => ({
    ...arrived(before, before.uid, objects, { revision }),
    type: 'request',
    requestId: 'r-1',
    project: 'default',
    participant: 'S001',
    requestedBy: 'rules',
    exclude,
  })
  const other = derived(before, { elements: [el(0x00080060, 'CS', 'MR')] })
  const record = (await boundary.record(request([derived(before), other], 1))) as AnyRecord
  t.match(record, { type: 'deidentified', instances: 1, excluded: { 'modality CT': 1 } })
  const [file = ''] = filesUnder(String(record['path']))
  t.ok(readFileSync(file).equals(other))
  t.doesNotThrow(() => parseRecord(record))

  const none = await made(t)
  const ofNone = deidentifierAt(none.site, {
    crosswalk: none.crosswalk,
    out: undefined,
    exclusionOf: () => exclusionOf(exclude),
  })
  t.match(
    await ofNone.record(arrived(none, none.uid, [derived(none)])),
    { type: 'held', reasons: [{ code: 'nothing-left' }] },
    'a project that wants none of it is asked whether that is meant',
  )
})

t.test('a person sees what is held, lets pass what can be seen, and drops the rest', async (t) => {
  const before = await made(t)
  const { boundary, site } = before
  const review = new Review(site.dataDir)
  const said: AnyRecord[] = []
  const publish = async (record: AnyRecord | FionaRecord): Promise<void> => {
    said.push(record)
  }
  const held = (await boundary.record(
    arrived(before, before.uid, [
      derived(before, { elements: [el(0x00280301, 'CS', 'YES')] }),
      derived(before),
    ]),
  )) as AnyRecord
  const id = String(held['requestId'])
  t.match(held, { type: 'held', how: /release/ })
  t.match(await review.list(), [{ study: { requestId: id, returned: true }, objects: 2 }])
  await boundary.release(id, false, publish)
  t.match(said, [
    {
      type: 'deidentified',
      requestId: id,
      profile: 'returned',
      instances: 2,
      waived: [{ code: 'burned-in-annotation' }],
    },
  ])
  t.same(await review.list(), [], 'decided')

  const again = await made(t)
  const ofPatientToo = [
    derived(again, { elements: [el(0x00280301, 'CS', 'YES')] }),
    derived(again, ofPatient),
  ]
  const second = (await again.boundary.record(arrived(again, again.uid, ofPatientToo))) as AnyRecord
  t.match(second['how'], /sent again as the participant/)
  for (const anyway of [false, true]) {
    await t.rejects(again.boundary.release(String(second['requestId']), anyway, publish), {
      code: 'E_NOT_RELEASABLE',
      message: /identity-found, patient-conflict|patient-conflict, identity-found/,
    })
  }
  t.equal(said.length, 1)
  t.same(filesUnder(join(again.site.dataDir, 'default', 'returned')), [])
  const waiting = new Review(again.site.dataDir)
  t.equal((await waiting.list()).length, 1)
  await again.boundary.drop(String(second['requestId']))
  t.same(await waiting.list(), [])
})

t.test('what came well later takes the place of what is held', async (t) => {
  const before = await made(t)
  const bad = arrived(before, before.uid, [derived(before, ofPatient)])
  t.match(await before.boundary.record(bad), { type: 'held' })
  const path = join(before.site.dataDir, 'default', 'archive', before.uid)
  rmSync(path, { recursive: true })
  const good = arrived(before, before.uid, [derived(before)], { revision: 2 })
  t.match(await before.boundary.record(good), { type: 'deidentified', instances: 1 })
  t.same(await new Review(before.site.dataDir).list(), [])
})
