import { hash } from 'node:crypto'
import t from 'tap'
import { CT_IMAGE_STORAGE, type TestElement, ctImage, el, sq } from '../fixtures/dicom-writer.ts'
import { bytesOf, deidentify, reasonsOf, study } from './deidentified.ts'
import { deidentifyBy, firstOf, profileOf, valueIn } from './with-profile.ts'

const Tag = {
  StudyDate: 0x00080020,
  AccessionNumber: 0x00080050,
  Manufacturer: 0x00080070,
  InstitutionName: 0x00080080,
  StudyDescription: 0x00081030,
  SeriesDescription: 0x0008103e,
  PatientName: 0x00100010,
  PatientID: 0x00100020,
  PatientBirthDate: 0x00100030,
  ProtocolName: 0x00181030,
  StudyID: 0x00200010,
  ImageComments: 0x00204000,
  RequestAttributesSequence: 0x00400275,
  ScheduledProcedureStepDescription: 0x00400007,
}

function object(...elements: readonly TestElement[]): Buffer {
  return ctImage({ elements })
}

t.test('each action does what it says', async (t) => {
  const rules = `rules:
  - { tag: InstitutionName, action: set, value: "{project}" }
  - { tag: StudyDescription, action: keep }
  - { tag: Manufacturer, action: remove }
  - { tag: ManufacturerModelName, action: empty }
  - { tag: StationName, action: dummy }
  - { tag: AccessionNumber, action: hash, length: 12 }
  - { tag: ProtocolName, action: extract, pattern: "^(t1|t2)_(\\\\d+)", template: "$1-$2 {participant}" }
  - { tag: SeriesDescription, action: extract, pattern: "nothing" }
  - { tag: ImageComments, action: extract, pattern: "nothing", otherwise: "none" }
  - { tag: ClinicalTrialTimePointID, action: set, value: "{event}" }
  - { tag: StudyID, action: set, value: "{participant}/{event}", create: false }
  - { tag: ClinicalTrialSiteName, action: set, value: "Site {{A}}" }
  - { tag: DetectorID, action: set, value: "x", create: false }
`
  const made = await deidentifyBy(
    rules,
    [
      object(
        el(Tag.InstitutionName, 'LO', 'Mercy Hospital'),
        el(Tag.StudyDescription, 'LO', 'Brain routine'),
        el(Tag.Manufacturer, 'LO', 'ACME'),
        el(0x00081090, 'LO', 'Scan-o-mat'),
        el(0x00081010, 'SH', 'CT1'),
        el(Tag.AccessionNumber, 'SH', 'ACC-774411'),
        el(Tag.ProtocolName, 'LO', 't1_42_Smith'),
        el(Tag.SeriesDescription, 'LO', 'localizer of Smith'),
        el(Tag.ImageComments, 'LT', 'seen'),
        el(Tag.StudyID, 'SH', '77'),
      ),
    ],
    { event: 'base' },
  )
  t.equal(made.record.type, 'deidentified', JSON.stringify(made.record))
  using file = firstOf(made)
  t.equal(valueIn(file, Tag.InstitutionName), 'default')
  t.equal(valueIn(file, Tag.StudyDescription), 'Brain routine')
  t.equal(valueIn(file, Tag.Manufacturer), undefined)
  t.equal(valueIn(file, 0x00081090), '')
  t.equal(valueIn(file, 0x00081010), 'ANONYMIZED')
  t.match(valueIn(file, Tag.AccessionNumber), /^[0-9A-Z]{12}$/)
  t.equal(valueIn(file, Tag.ProtocolName), 't1-42 S001')
  t.equal(valueIn(file, Tag.SeriesDescription), '')
  t.equal(valueIn(file, Tag.ImageComments), 'none')
  t.equal(valueIn(file, 0x00120050), 'base')
  t.equal(valueIn(file, Tag.StudyID), 'S001/base')
  t.equal(valueIn(file, 0x00120031), 'Site {A}', 'set writes what was not there')
  t.equal(valueIn(file, 0x0018700a), undefined, 'but for create: false')
  const removed = made.record['removed'] as Record<string, number>
  t.equal(removed['unmatched'], 2)
  t.equal(removed['hashed'], 1)
  t.equal(made.record['profile'], 'profile')
})

t.test('the first rule whose conditions hold decides, at any depth or along a path', async (t) => {
  const inside = (text: string) => [el(Tag.ScheduledProcedureStepDescription, 'LO', text)]
  const ct = object(
    el(Tag.Manufacturer, 'LO', 'GE MEDICAL SYSTEMS'),
    el(Tag.StudyDescription, 'LO', 'one'),
    sq(Tag.RequestAttributesSequence, [inside('two')]),
    sq(0x00081110, [[el(0x00081155, 'UI', '1.2.3'), sq(0x0040a170, [inside('three')])]]),
  )
  const described = async (rules: string) => {
    const made = await deidentifyBy(
      `options: []\nrules:\n  - { tag: [RequestAttributesSequence, ReferencedStudySequence, PurposeOfReferenceCodeSequence], action: keep }\n${rules}`,
      [ct],
      {},
      { ClassifyType: ['T1', 'axial'] },
    )
    using file = firstOf(made)
    const request = file.dataSet.get(Tag.RequestAttributesSequence)?.items?.[0]
    const reference = file.dataSet.get(0x00081110)?.items?.[0]?.get(0x0040a170)?.items?.[0]
    return [
      valueIn(file, Tag.StudyDescription),
      request && valueIn(file, Tag.ScheduledProcedureStepDescription, request),
      reference && valueIn(file, Tag.ScheduledProcedureStepDescription, reference),
    ]
  }
  const set = (tag: string, value: string, more = '') =>
    `  - { tag: "${tag}", action: set, value: ${value}, create: false${more} }\n`
  t.same(await described(set('ScheduledProcedureStepDescription', 'x')), [undefined, 'x', 'x'])
  t.same(await described(set('RequestAttributesSequence/ScheduledProcedureStepDescription', 'x')), [
    undefined,
    'x',
    undefined,
  ])
  t.same(await described(set('ReferencedStudySequence/*/ScheduledProcedureStepDescription', 'x')), [
    undefined,
    undefined,
    'x',
  ])
  t.same(
    await described(
      set('(0040,00x7)', 'y').replace('action: set, value: y, create: false', 'action: keep'),
    ),
    [undefined, 'two', 'three'],
  )
  t.same(await described(set('/ScheduledProcedureStepDescription', 'x')), [
    undefined,
    undefined,
    undefined,
  ])
  const when = (condition: string) =>
    set('/StudyDescription', 'a', `, when: { ${condition} }`) + set('/StudyDescription', 'b')
  for (const [condition, expected] of [
    ['Modality: ct', 'a'],
    ['Modality: MR', 'b'],
    ['Modality: [MR, CT]', 'a'],
    ['Manufacturer: /^ge/i', 'a'],
    ['Manufacturer: /^ge/', 'b'],
    ['SOPClassUID: CTImageStorage', 'a'],
    [`SOPClassUID: "${CT_IMAGE_STORAGE}"`, 'a'],
    ['SOPClassUID: MRImageStorage', 'b'],
    ['ClassifyType: axial', 'a'],
    ['ClassifyType: /^ax/, Modality: CT', 'a'],
    ['ClassifyType: axial, Modality: MR', 'b'],
    ['PatientComments: /./', 'b'],
    ['PatientComments: "/^(?!secret)/"', 'a'],
  ] as const) {
    t.equal((await described(when(condition)))[0], expected, condition)
  }
})

t.test(
  'private attributes stay by their creator, in whatever block, with what is inside of them',
  async (t) => {
    const creator = (block: number, name: string) => el(0x00190000 + block, 'LO', name)
    const made = await deidentifyBy(
      'rules:\n  - { tag: "(0019,[SIEMENS MR HEADER],0C)", action: keep }\n  - { tag: "(0019,[SIEMENS MR HEADER],1x)", action: keep }\n',
      [
        object(
          creator(0x10, 'OTHER'),
          creator(0x11, 'SIEMENS MR HEADER'),
          el(0x0019100c, 'IS', '7'),
          el(0x0019110c, 'IS', '1000'),
          el(0x0019110d, 'CS', 'NONE'),
          sq(0x00191112, [
            [
              el(Tag.PatientName, 'PN', 'Example^Patient'),
              el(Tag.Manufacturer, 'LO', 'ACME'),
              el(0x0019110c, 'IS', '5'),
            ],
          ]),
        ),
      ],
    )
    using file = firstOf(made)
    t.equal(valueIn(file, 0x00190011), 'SIEMENS MR HEADER')
    t.equal(valueIn(file, 0x00190010), undefined)
    t.equal(valueIn(file, 0x0019100c), undefined, 'the same number of another creator')
    t.equal(valueIn(file, 0x0019110c), '1000')
    t.equal(valueIn(file, 0x0019110d), undefined)
    const item = file.dataSet.get(0x00191112)?.items?.[0]
    t.equal(item && valueIn(file, Tag.PatientName, item), 'S001')
    t.equal(item && valueIn(file, Tag.Manufacturer, item), 'ACME')
    t.equal(item && valueIn(file, 0x0019110c, item), undefined, 'no creator inside')
  },
)

t.test(
  'what says who somebody is cannot be kept: the search finds it. Where and when can',
  async (t) => {
    const identity = [
      el(Tag.InstitutionName, 'LO', 'Mercy Hospital Springfield'),
      el(Tag.AccessionNumber, 'SH', 'ACC-774411'),
      el(Tag.PatientBirthDate, 'DA', '19610423'),
      el(Tag.StudyDate, 'DA', '20240229'),
    ]
    for (const [tag, isHeld] of [
      ['InstitutionName', false],
      ['StudyDate', false],
      ['AccessionNumber', true],
      ['PatientBirthDate', true],
      ['PatientName', true],
      ['PatientID', true],
    ] as const) {
      const made = await deidentifyBy(`rules:\n  - { tag: ${tag}, action: keep }\n`, [
        object(...identity),
      ])
      t.same(reasonsOf(made.record), isHeld ? ['identity-found'] : [], tag)
    }
    const elsewhere = [...identity, el(Tag.ProtocolName, 'LO', 'Head of EX-0001')]
    const made = await deidentifyBy('rules:\n  - { tag: ProtocolName, action: keep }\n', [
      object(...elsewhere),
    ])
    t.same(reasonsOf(made.record), ['identity-found'], 'what is kept is searched for what is known')
  },
)

t.test('objects say what became of their dates', async (t) => {
  const dated = [object(el(Tag.StudyDate, 'DA', '20240229'))]
  for (const [rules, expected] of [
    ['[]', 'REMOVED'],
    ['[ { tag: StudyDate, action: keep } ]', 'UNMODIFIED'],
    ['[ { tag: StudyDate, action: shiftDate } ]\ndateShift: { mode: fixed, days: 42 }', 'MODIFIED'],
  ] as const) {
    using file = firstOf(await deidentifyBy(`rules: ${rules}\n`, dated))
    t.equal(valueIn(file, 0x00280303), expected, rules)
    if (expected === 'MODIFIED') t.equal(valueIn(file, Tag.StudyDate), '20240411')
  }
})

t.test(
  'a rule leaves an object out, or holds its study, for an attribute that is there',
  async (t) => {
    const other = ctImage({ instanceNumber: 2, elements: [el(Tag.ImageComments, 'LT', 'x')] })
    const left = await deidentifyBy('rules:\n  - { tag: ImageComments, action: drop }\n', [
      object(),
      other,
    ])
    t.same(left.record['excluded'], { 'profile line 2 ImageComments': 1 })
    t.equal(left.files.length, 1)
    const byWhen = await deidentifyBy(
      'rules:\n  - { when: { InstanceNumber: 2 }, action: drop }\n',
      [object(), other],
    )
    t.same(byWhen.record['excluded'], { 'profile line 2': 1 })
    const held = await deidentifyBy(
      'rules:\n  - { tag: ImageComments, action: review }\n  - { tag: ImageComments, action: set, value: y }\n',
      [object(), other],
    )
    t.same(held.record['reasons'], [
      { code: 'profile-review', where: '(0020,4000) ImageComments', count: 1 },
    ])
    const kept = await deidentifyBy(
      'rules:\n  - { tag: ImageComments, when: { InstanceNumber: 2 }, action: remove }\n  - { tag: ImageComments, action: drop }\n',
      [object(), other],
    )
    t.equal(kept.files.length, 2, 'the first rule counts')
  },
)

t.test('kinds of objects are left out or held as the profile says', async (t) => {
  const ct = [object()]
  const dropped = await deidentifyBy('objects: { CTImageStorage: drop }\n', ct)
  t.same(reasonsOf(dropped.record), ['nothing-left'])
  const held = await deidentifyBy(`objects: { "${CT_IMAGE_STORAGE}": review }\n`, ct)
  t.same(reasonsOf(held.record), ['profile-review'])
})

t.test('terms of the project are searched, and hold', async (t) => {
  const ct = [object(el(Tag.ProtocolName, 'LO', 'brain of Mercy'))]
  const made = await deidentifyBy(
    'verify: { extraTerms: [mercy] }\nrules:\n  - { tag: ProtocolName, action: keep }\n',
    ct,
  )
  t.same(reasonsOf(made.record), ['identity-found'])
  const other = await deidentifyBy(
    'verify: { extraTerms: [merc] }\nrules:\n  - { tag: ProtocolName, action: keep }\n',
    ct,
  )
  t.same(reasonsOf(other.record), [], 'four letters are a word of their own')
})

t.test('hashes are keyed, the same for the same value, and of the project', async (t) => {
  const ct = [object(el(Tag.AccessionNumber, 'SH', 'ACC-774411'))]
  const rules = 'rules:\n  - { tag: [AccessionNumber, StudyID], action: hash }\n'
  const hashOf = async (project: string) => {
    const made = await deidentifyBy(rules, ct, { project })
    using file = firstOf(made)
    return valueIn(file, Tag.AccessionNumber)
  }
  t.equal(await hashOf('A'), await hashOf('A'))
  t.not(await hashOf('A'), await hashOf('B'))
  t.notMatch(await hashOf('A'), hash('sha256', 'ACC-774411').slice(0, 8).toUpperCase())
})

/** As the original writes SHA-256: digits, a to f as 0 to 5. */
function digits(text: string): string {
  return Array.from(hash('sha256', text), (digit) => {
    const nibble = Number.parseInt(digit, 16)
    return '0123456789012345'.charAt(nibble)
  }).join('')
}

t.test('projects of the original go on with its UIDs and hashes', async (t) => {
  const ct = [object(el(Tag.AccessionNumber, 'SH', 'ACC-77441'), el(Tag.StudyID, 'SH', '7'))]
  const rules =
    'hashStyle: original\nrules:\n  - { tag: [AccessionNumber, StudyID], action: hash, length: 16 }\n'
  const root = '1.3.6.1.4.1.45037.'
  for (const [uidStyle, input] of [
    ['original', `${study}\0`],
    ['originalUnpadded', study],
  ] as const) {
    const made = await deidentifyBy(`uidStyle: ${uidStyle}\n${rules}`, ct, { project: 'P' })
    t.equal(study.length % 2, 1, 'there is a NUL to speak of')
    const expected = `${root}${digits(`${input}P`)}`.slice(0, 63)
    t.equal(made.record['StudyInstanceUID'], expected)
    using file = firstOf(made)
    t.equal(valueIn(file, 0x0020000d), expected)
    t.equal(valueIn(file, Tag.AccessionNumber), digits('ACC-77441 ').slice(0, 16))
    t.equal(valueIn(file, Tag.StudyID), digits(`${study}P`).slice(0, 16))
  }
})

t.test('attributes that the original gives no root go on without one', async (t) => {
  const frame = '1.2.3.77665544'
  const synchronization = 0x00200200
  const ct = [
    object(el(synchronization, 'UI', frame), sq(0x00082218, [[el(0x0008010d, 'UI', frame)]])),
  ]
  const made = await deidentifyBy(
    `uidStyle: original
rules: [{ tag: ContextGroupExtensionCreatorUID, action: uid, withoutRoot: true }]
tagchange: ['0020,0200=hashuid']
`,
    ct,
    { project: 'P' },
  )
  t.equal(made.record.type, 'deidentified', JSON.stringify(made.record))
  using file = firstOf(made)
  const expected = digits(frame)
  t.equal(expected.length, 64)
  t.equal(valueIn(file, synchronization), expected)
  const item = file.dataSet.get(0x00082218)?.items?.[0]
  t.equal(item && file.string(item, 0x0008010d), expected)
  const unpadded = await deidentifyBy(
    "uidStyle: originalUnpadded\ntagchange: ['0020,0200=hashuid']\n",
    [object(el(synchronization, 'UI', '1.2.3.776655443'))],
  )
  using other = firstOf(unpadded)
  t.equal(valueIn(other, synchronization), digits('1.2.3.776655443'))
  const keyed = await deidentifyBy("tagchange: ['0020,0200=hashuid']\n", ct)
  using third = firstOf(keyed)
  t.match(valueIn(third, synchronization), /^2\.25\./)
  await t.rejects(
    profileOf(
      'rules: [{ tag: SynchronizationFrameOfReferenceUID, action: uid, withoutRoot: true }]\n',
    ),
    {
      code: 'E_PROFILE',
      message: /needs uidStyle: original/,
    },
  )
})

t.test('without the table all passes that no rule names; what identifies holds', async (t) => {
  const dates = 'StudyDate, SeriesDate, AcquisitionDate, ContentDate, InstanceCreationDate'
  const others = 'PatientBirthDate, AccessionNumber, ReferringPhysicianName, StudyID'
  const text = `base: none\nrules:\n  - { tag: [${dates}, ${others}], action: empty }\n`
  await t.rejects(profileOf(text), { code: 'E_PROFILE', message: /base none/ })
  const by = async (profileText: string, ...elements: readonly TestElement[]) => {
    const profile = await profileOf(profileText, { iKnow: true })
    const objects = [object(el(0x00190010, 'LO', 'ACME'), ...elements)]
    return deidentify(objects, { profileOf: () => profile })
  }
  const made = await by(
    text,
    el(Tag.ProtocolName, 'LO', 'brain'),
    el(0x00191001, 'LO', 'private'),
    sq(0x00191003, [[el(Tag.ProtocolName, 'LO', 'inner')]]),
  )
  using file = firstOf(made)
  t.equal(valueIn(file, Tag.ProtocolName), 'brain')
  t.equal(valueIn(file, 0x00191001), 'private')
  t.equal(file.dataSet.get(0x00191003)?.items?.length, 1)
  t.equal(valueIn(file, Tag.PatientID), 'S001')
  t.match(valueIn(file, 0x00120063), /without the table/)
  t.equal(file.dataSet.get(0x00120064)?.items?.length ?? 0, 0)
  for (const [element, name] of [
    [el(Tag.InstitutionName, 'LO', 'Mercy Hospital Springfield'), ''],
    [el(Tag.StudyDate, 'DA', '20240229'), 'StudyDate, '],
    [el(0x00191002, 'LO', 'scanned EX-0001'), ''],
  ] as const) {
    const found = await by(text.replace(name, ''), element)
    t.same(reasonsOf(found.record), ['identity-found'], String(element.tag))
  }
})

t.test('what a request says must fit where rules write it', async (t) => {
  const rules = 'rules:\n  - { tag: StudyID, action: set, value: "{participant}" }\n'
  await t.rejects(
    deidentifyBy(rules, [object()], { participant: 'a participant of more than sixteen' }),
    { code: 'E_PARTICIPANT', message: /\(0020,0010\) StudyID \(line 2 of the profile\)/ },
  )
})

t.test('the digest is of what a profile means', async (t) => {
  const digest = async (text: string) => (await profileOf(text)).digest
  const text = 'rules:\n  - { tag: StudyID, action: remove }\n'
  t.equal(await digest(`# why\n${text}`), await digest(text))
  t.not(await digest(text.replace('remove', 'empty')), await digest(text))
  const ct = [object()]
  const [first, second] = [await deidentifyBy(text, ct), await deidentifyBy(`${text}# more\n`, ct)]
  t.equal(first.record['profileDigest'], second.record['profileDigest'])
  t.same(bytesOf(first.files), bytesOf(second.files))
})
