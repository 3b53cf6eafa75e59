import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { DicomFile, vrOf } from '../../src/lib/dicom/index.ts'
import {
  type ProfileOption,
  type ProfileParts,
  makeProfile,
  tableOptions,
} from '../../src/lib/deidentify/index.ts'
import { type TestElement, ctImage, el, sq } from '../fixtures/dicom-writer.ts'
import { missing } from '../fixtures/peers.ts'
import { deidentify, newUidOf, reasonsOf } from './deidentified.ts'
import { plantedValue, secretUid } from './planted-value.ts'
import { publishedRows } from './published-table.ts'
import { found, foundIn, ofPerson, person, pydicomDump, removed } from './planted.ts'

function withOptions(
  options: readonly ProfileOption[],
  parts: Partial<ProfileParts> = {},
): Parameters<typeof deidentify>[1] {
  const profile = makeProfile({ name: 'test', options, ...parts })
  return { profileOf: () => profile }
}

async function opened(
  object: Buffer,
  options: readonly ProfileOption[],
  parts: Partial<ProfileParts> = {},
): Promise<DicomFile> {
  const { files, record } = await deidentify([object], withOptions(options, parts))
  if (files[0] === undefined) throw new Error(JSON.stringify(record))
  return DicomFile.open(files[0])
}

const strings = (file: DicomFile, ...tags: number[]) =>
  tags.map((tag) => file.string(file.dataSet, tag))

/** What of the planted values an option keeps on purpose; all else is as forbidden as ever. */
const kept: Readonly<Partial<Record<ProfileOption, readonly string[]>>> = {
  retainUids: ['study UID', 'series UID', 'foreign UID'],
  retainInstitutionIdentity: ['institution', 'institution address'],
  retainLongitudinalFullDates: ['study date'],
}

for (const option of tableOptions) {
  t.test(`with ${option} nothing goes out but what it keeps`, async (t) => {
    for (const [where, object] of Object.entries(removed)) {
      const { record, files } = await deidentify([object], withOptions([option]))
      if (option === 'retainInstitutionIdentity' && where === 'chinese') {
        t.same(reasonsOf(record), ['identity-found'], 'its hospital has the name of the patient')
        continue
      }
      t.equal(record.type, 'deidentified', `${where} ${JSON.stringify(record['reasons'])}`)
      const leaks = files.flatMap((path) => foundIn(path))
      t.same(
        leaks.filter((what) => kept[option]?.includes(what) !== true),
        [],
        where,
      )
    }
  })
  t.test(`with ${option} the search finds what it found without`, async (t) => {
    for (const [where, object] of Object.entries(found)) {
      // What is kept where it belongs may be told elsewhere.
      if (option === 'retainInstitutionIdentity' && where === 'an institution') continue
      const { record, files } = await deidentify([object], withOptions([option]))
      t.same(reasonsOf(record), ['identity-found'], where)
      t.same(files, [], where)
    }
  })
}

/** They name the object; the fixture cannot have them twice. */
const naming = new Set([0x00080018, 0x0020000d, 0x0020000e])

for (const option of tableOptions) {
  t.test(`with ${option} a secret in any row stays only where it is kept`, async (t) => {
    const elements = publishedRows
      .filter(({ tag }) => /^[0-9A-F]{8}$/.test(tag) && Number.parseInt(tag, 16) >>> 16 >= 8)
      .filter(({ tag }) => !naming.has(Number.parseInt(tag, 16)))
      .map(({ tag, options }) => {
        const number = Number.parseInt(tag, 16)
        const letter = options.find(([name]) => name === option)?.[1]
        const vr = vrOf(number) ?? 'UN'
        // Codes of a sequence that is cleaned stay, and are searched like all that stays.
        if (vr === 'SQ' && letter === 'C') return sq(number, [[el(0x00080100, 'SH', 'T-A0100')]])
        return plantedValue(number, vr, letter === 'K' ? 'Keepsake' : 'Querxel')
      })
    for (const nest of [
      (all: TestElement[]) => all,
      (all: TestElement[]) => [sq(0x00082218, [[sq(0x00082218, [all])]])],
    ]) {
      const { record, files } = await deidentify(
        [ctImage({ elements: nest(elements) })],
        withOptions([option]),
      )
      t.equal(record.type, 'deidentified', JSON.stringify(record['reasons']))
      const text = readFileSync(files[0] ?? '').toString('latin1')
      t.notOk(/querxel/i.test(text))
      t.equal(
        text.includes(secretUid),
        option === 'retainUids' || option === 'retainDeviceIdentity',
      )
      t.equal(
        text.includes('20230917'),
        option === 'retainLongitudinalFullDates' || option === 'retainDeviceIdentity',
      )
    }
  })
}

t.test('all options that can be together, and outputs as valid as the inputs', async (t) => {
  const options = tableOptions.filter((option) => option !== 'retainLongitudinalFullDates')
  const objects = ['the usual places', 'implicit VR', 'private blocks', 'overlays', 'japanese']
  const paths: string[] = []
  for (const where of objects) {
    const { site, files } = await deidentify(
      [removed[where] ?? Buffer.alloc(0)],
      withOptions(options),
    )
    const [path = ''] = files
    paths.push(path)
    const input = join(site.root, 'input.dcm')
    writeFileSync(input, removed[where] ?? '')
    if (missing('dciodvfy') === false) t.same(newComplaints(input, path), [], where)
  }
  const dump = pydicomDump(paths)
  t.notOk(dump.includes(person.family))
  t.equal(dump.match(/Retain UIDs Option/g)?.length, 2 * paths.length)
})

function newComplaints(input: string, output: string): string[] {
  const complaints = (path: string) =>
    new Set(
      spawnSync('dciodvfy', [path], { encoding: 'utf8' })
        .stderr.split('\n')
        .filter((line) => line.startsWith('Error'))
        .map((line) => line.replace(/<[^>]*>/g, '<>').replace(/[0-9.]{10,}/g, '')),
    )
  const before = complaints(input)
  return [...complaints(output)].filter((line) => !before.has(line))
}

t.test('options that contradict each other are no profile', (t) => {
  const bad: readonly Partial<ProfileParts>[] = [
    { options: ['retainLongitudinalFullDates', 'retainLongitudinalModifiedDates'] },
    { dateShift: { mode: 'fixed', days: 3 } },
    { dateShift: { mode: 'fixed', days: 3 }, options: ['retainLongitudinalFullDates'] },
    { dateShift: { mode: 'none' }, options: ['retainLongitudinalModifiedDates'] },
    { dateShift: { mode: 'fixed', days: 0 }, options: ['retainLongitudinalModifiedDates'] },
    { dateShift: { mode: 'fixed', days: 1.5 }, options: ['retainLongitudinalModifiedDates'] },
    {
      dateShift: { mode: 'perParticipant', maxDays: -5 },
      options: ['retainLongitudinalModifiedDates'],
    },
    {
      dateShift: { mode: 'perParticipant', maxDays: 1e9 },
      options: ['retainLongitudinalModifiedDates'],
    },
    { honourPrivateDataInformation: true },
  ]
  for (const parts of bad) {
    t.throws(
      () => makeProfile({ name: 'bad', ...parts }),
      { code: 'E_PROFILE' },
      JSON.stringify(parts),
    )
  }
  t.end()
})

t.test('a digest is of everything that decides', (t) => {
  const digests = [
    makeProfile({ name: 'a' }),
    ...tableOptions.map((option) => makeProfile({ name: 'a', options: [option] })),
    makeProfile({ name: 'a', options: ['cleanDescriptors'], vocabulary: ['Stroop'] }),
    makeProfile({
      name: 'a',
      options: ['retainLongitudinalModifiedDates'],
      dateShift: { mode: 'fixed', days: 3 },
    }),
    makeProfile({ name: 'a', options: ['retainSafePrivate'], honourPrivateDataInformation: true }),
  ].map(({ digest }) => digest)
  t.equal(new Set(digests).size, digests.length)
  t.equal(makeProfile({ name: 'b' }).digest, digests[0], 'a name decides nothing')
  const order: ProfileOption[] = ['retainUids', 'cleanDescriptors']
  t.equal(
    makeProfile({ name: 'a', options: order }).digest,
    makeProfile({ name: 'a', options: order.toReversed() }).digest,
  )
  t.end()
})

t.test('the object says which options it was made with', async (t) => {
  using file = await opened(ofPerson(), [
    'retainUids',
    'cleanDescriptors',
    'retainLongitudinalModifiedDates',
  ])
  const items = file.dataSet.get(0x00120064)?.items ?? []
  t.same(
    items.map((item) => file.string(item, 0x00080100)),
    ['113100', '113110', '113107', '113105'],
  )
  const methods = file.strings(file.dataSet, 0x00120063)
  t.equal(methods.length, 4)
  t.ok(methods.every((method) => method.length <= 64))
  t.equal(file.string(file.dataSet, 0x00280303), 'MODIFIED')
  using full = await opened(ofPerson(), ['retainLongitudinalFullDates'])
  t.equal(full.string(full.dataSet, 0x00280303), 'UNMODIFIED')
})

t.test('what was done before stays said, without the words of others', async (t) => {
  const method = (value: string, scheme: string, meaning: string) => [
    el(0x00080100, 'SH', value),
    el(0x00080102, 'SH', scheme),
    el(0x00080104, 'LO', meaning),
  ]
  const earlier = ctImage({
    elements: [
      el(0x00120062, 'CS', 'YES'),
      el(0x00120063, 'LO', 'by Zwartkops in Oudkerk'),
      sq(0x00120064, [
        method('113109', 'DCM', 'as Zwartkops likes it'),
        method('113100', 'DCM', 'Basic'),
        method('113100', '99ZWARTKOPS', 'Basic'),
        method('1', 'DCM', 'Zwartkops'),
      ]),
      el(0x00280303, 'CS', 'REMOVED'),
    ],
  })
  using file = await opened(earlier, ['retainLongitudinalFullDates'])
  const items = file.dataSet.get(0x00120064)?.items ?? []
  t.same(
    items.map((item) => [file.string(item, 0x00080100), file.string(item, 0x00080104)]),
    [
      ['113109', 'Retain Device Identity Option'],
      ['113100', 'Basic Application Confidentiality Profile'],
      ['113106', 'Retain Longitudinal Temporal Information Full Dates Option'],
    ],
  )
  t.equal(file.string(file.dataSet, 0x00280303), 'REMOVED', 'what is gone does not come back')
  t.notOk(file.strings(file.dataSet, 0x00120063).some((text) => text.includes('Zwart')))
})

const dated = ofPerson({
  elements: [
    el(0x0008002a, 'DT', '20230917235959.123456+0200'),
    el(0x00080030, 'TM', '141516'),
    el(0x00080033, 'TM', 'half past two'),
    el(0x00080201, 'SH', '+0200'),
    el(0x00080022, 'DA', '230917'),
    el(0x00080023, 'DA', '20230901-20230917'),
    el(0x00181200, 'DA', ['20200229', '20210301']),
    sq(0x00082218, [[el(0x0040a121, 'DA', '20230918')]]),
  ],
})

t.test('dates are shifted together, and what is no date does not pass', async (t) => {
  const fixed = { dateShift: { mode: 'fixed', days: -30 } } as const
  using file = await opened(dated, ['retainLongitudinalModifiedDates'], fixed)
  t.same(strings(file, 0x00080020, 0x00080021), ['20230818', '20230818'])
  t.equal(file.string(file.dataSet, 0x0008002a), '20230818235959.123456+0200')
  t.equal(file.string(file.dataSet, 0x00080030), '141516')
  t.equal(file.string(file.dataSet, 0x00080201), '+0200')
  t.same(file.strings(file.dataSet, 0x00181200), ['20200130', '20210130'])
  const inner = file.dataSet.get(0x00082218)?.items?.[0]
  t.equal(inner && file.string(inner, 0x0040a121), '20230819')
  t.equal(file.dataSet.get(0x00080022), undefined, 'six digits go: X/Z of type 3')
  t.equal(file.dataSet.get(0x00080023)?.length, 0, 'a range: Z/D of type 2C')
  t.equal(file.dataSet.get(0x00080033)?.length, 0, 'a time that is none')
  t.equal(file.string(file.dataSet, 0x00100030), undefined, 'a birth date is never kept')
})

t.test('a participant’s studies are shifted alike, and nobody else’s', async (t) => {
  const dateOf = async (participant: string) => {
    const { files } = await deidentify([ofPerson()], {
      ...withOptions(['retainLongitudinalModifiedDates']),
      participant,
    })
    using file = DicomFile.open(files[0] ?? '')
    return file.string(file.dataSet, 0x00080020)
  }
  const [first, again, other] = [await dateOf('S001'), await dateOf('S001'), await dateOf('S002')]
  t.match(first, /^202[23]\d{4}$/)
  t.equal(again, first)
  t.not(other, first)
})

t.test(
  'a date that comes to lie on another of the study is no leak; in a text it is',
  async (t) => {
    const fixed = { dateShift: { mode: 'fixed', days: -1 } } as const
    const dates = [el(0x00080020, 'DA', '20230917'), el(0x00080021, 'DA', '20230916')]
    using file = await opened(
      ctImage({ elements: dates }),
      ['retainLongitudinalModifiedDates'],
      fixed,
    )
    t.same(strings(file, 0x00080020, 0x00080021), ['20230916', '20230915'])
    const slipped = ctImage({ elements: [...dates, el(0x00181020, 'LO', 'of 2023-09-16')] })
    const { record } = await deidentify(
      [slipped],
      withOptions(['retainLongitudinalModifiedDates'], fixed),
    )
    t.same(reasonsOf(record), ['identity-found'])
  },
)

t.test('full dates are kept as they are, and the birth date is still searched for', async (t) => {
  using file = await opened(dated, ['retainLongitudinalFullDates'])
  t.same(strings(file, 0x00080020, 0x0008002a), ['20230917', '20230917235959.123456+0200'])
  t.equal(file.string(file.dataSet, 0x00080201), '+0200')
  t.equal(file.dataSet.get(0x00080022), undefined)
  t.equal(file.dataSet.get(0x00080023)?.length, 0)
  t.equal(file.dataSet.get(0x00080033)?.length, 0)
  const dob = found['a birth date in another notation'] ?? Buffer.alloc(0)
  const { record } = await deidentify([dob], withOptions(['retainLongitudinalFullDates']))
  t.same(reasonsOf(record), ['identity-found'])
  const newborn = ofPerson({ elements: [el(0x00100030, 'DA', person.studyDate)] })
  using born = await opened(newborn, ['retainLongitudinalFullDates'])
  t.same(strings(born, 0x00080020, 0x00100030), [person.studyDate, undefined])
})

t.test('patients keep what describes them, the very old are all of one age', async (t) => {
  const patient = (age: string) =>
    ofPerson({
      elements: [
        el(0x00100040, 'CS', 'F'),
        el(0x00101010, 'AS', age),
        el(0x00101020, 'DS', '1.7'),
        el(0x00101030, 'DS', '70'),
        el(0x00102160, 'SH', 'any'),
        el(0x001021a0, 'CS', 'NO'),
        el(0x00102110, 'LO', `contrast, says ${person.family}`),
        sq(0x00102161, [[el(0x00080100, 'SH', '1'), el(0x00080104, 'LO', 'any')]]),
      ],
    })
  const options: ProfileOption[] = ['retainPatientCharacteristics']
  for (const [age, told] of [
    ['077Y', '077Y'],
    ['089Y', '089Y'],
    ['090Y', '090Y'],
    ['104Y', '090Y'],
    ['014M', '014M'],
    ['77', undefined],
  ] as const) {
    using file = await opened(patient(age), options)
    t.same(strings(file, 0x00100040, 0x00101010, 0x00101020, 0x00101030, 0x00102160, 0x001021a0), [
      'F',
      told,
      '1.7',
      '70',
      'any',
      'NO',
    ])
    t.equal(file.string(file.dataSet, 0x00102110), 'contrast')
    t.equal(file.dataSet.get(0x00102161)?.items?.length, 1)
    t.equal(file.dataSet.get(0x00100030)?.length, 0)
  }
})

t.test(
  'devices and institutions keep their names, and nobody else’s name is in them',
  async (t) => {
    const elements = [
      el(0x00081010, 'SH', 'MRC1'),
      el(0x00181000, 'LO', '4711-A'),
      el(0x00081040, 'LO', 'Neuroradiology'),
      el(0x00080055, 'AE', 'PET_QUISPEL'),
      el(0x00181002, 'UI', '1.2.3.4.5'),
    ]
    const options: ProfileOption[] = ['retainDeviceIdentity', 'retainInstitutionIdentity']
    using file = await opened(ofPerson({ elements }), options)
    t.same(strings(file, 0x00081010, 0x00181000, 0x00081040), ['MRC1', '4711-A', 'Neuroradiology'])
    t.same(strings(file, 0x00080080, 0x00080081), [person.institution, person.institutionAddress])
    t.equal(file.string(file.dataSet, 0x00080055), 'PET')
    t.equal(file.string(file.dataSet, 0x00181002), '1.2.3.4.5')
    const named = ofPerson({ elements: [el(0x00080080, 'LO', `${person.family} Clinic`)] })
    const { record } = await deidentify([named], withOptions(options))
    t.same(record['reasons'], [
      { code: 'identity-found', where: '(0008,0080) InstitutionName', count: 1 },
    ])
  },
)

t.test('UIDs stay where they are kept, and those that are none do not', async (t) => {
  const { files, record } = await deidentify(
    [removed['references to other objects'] ?? Buffer.alloc(0)],
    withOptions(['retainUids']),
  )
  t.equal(record['StudyInstanceUID'], person.studyUid)
  using file = DicomFile.open(files[0] ?? '')
  t.equal(file.string(file.meta, 0x00020003), `${person.foreignUid}.1`)
  t.same(strings(file, 0x00080018, 0x0020000d, 0x00200242), [
    `${person.foreignUid}.1`,
    person.studyUid,
    person.foreignUid,
  ])
  const named = ctImage({ elements: [el(0x00200052, 'UI', 'of Querxel')] })
  using other = await opened(named, ['retainUids'])
  t.match(other.string(other.dataSet, 0x00200052), /^2\.25\.\d+$/)
})

t.test('descriptions keep what is known to be harmless', async (t) => {
  const elements = [
    el(0x0008103e, 'LO', `T1 axial ${person.family} 3`),
    el(0x00081030, 'LO', person.family),
    el(0x00181030, 'LO', 'Brinkhorst special'),
    el(0x00104000, 'LT', `knee, born 23.04.1961\r\n${person.phone}`),
    el(0x00180010, 'LO', ['Gd', person.family]),
    el(0x00400280, 'ST', 'a'),
    el(0x00400254, 'LO', 'Brain HOSP-778812'),
  ]
  using file = await opened(ofPerson({ elements }), ['cleanDescriptors'])
  t.equal(file.string(file.dataSet, 0x0008103e), 'T1 axial')
  t.equal(file.dataSet.get(0x00081030), undefined, 'nothing is left: X')
  t.equal(file.dataSet.get(0x00181030), undefined, 'nothing is left: X/D of type 3')
  t.equal(file.string(file.dataSet, 0x00104000), 'knee')
  t.same(file.strings(file.dataSet, 0x00180010), ['Gd', ''])
  t.equal(file.dataSet.get(0x00400280), undefined)
  t.equal(file.string(file.dataSet, 0x00400254), 'Brain')
  const hand = el(0x00100010, 'PN', 'Hand^Anna')
  using other = await opened(ctImage({ elements: [hand, el(0x0008103e, 'LO', 'HAND pa')] }), [
    'cleanDescriptors',
  ])
  t.equal(other.string(other.dataSet, 0x0008103e), 'pa')
  using own = await opened(
    ctImage({ elements: [el(0x0008103e, 'LO', 'Stroop axial')] }),
    ['cleanDescriptors'],
    { vocabulary: ['Stroop'] },
  )
  t.equal(own.string(own.dataSet, 0x0008103e), 'Stroop axial')
})

t.test('descriptions of other scripts leave a valid declaration', async (t) => {
  for (const set of ['ISO_IR 192', 'GB18030', ['', 'ISO 2022 IR 87'], 'ISO_IR 144']) {
    const elements: TestElement[] = [
      el(0x00080005, 'CS', set),
      el(0x0008103e, 'LO', Buffer.from('axial 山田 \xd0\xbf brain')),
    ]
    using file = await opened(ctImage({ elements }), ['cleanDescriptors'])
    t.equal(file.string(file.dataSet, 0x0008103e), 'axial brain')
    t.same(file.strings(file.dataSet, 0x00080005), typeof set === 'string' ? [set] : set)
  }
})

t.test('a UID has one successor in private and unknown places, too', async (t) => {
  const bookmark = '1.2.826.0.1.77665544.9'
  const elements = [
    el(0x01290010, 'LO', 'SIEMENS Ultrasound SC2000'),
    el(0x01291002, 'UI', bookmark),
    el(0x00200242, 'UI', bookmark),
  ]
  using file = await opened(ofPerson({ elements }), ['retainSafePrivate'])
  t.same(strings(file, 0x01291002, 0x00200242), [newUidOf(bookmark), newUidOf(bookmark)])
})
