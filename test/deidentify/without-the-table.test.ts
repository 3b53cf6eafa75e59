import t from 'tap'
import { type TestElement, ctImage, el, sq, syntax } from '../fixtures/dicom-writer.ts'
import { deidentify, newUidOf, reasonsOf } from './deidentified.ts'
import { firstOf, profileOf, valueIn } from './with-profile.ts'

/**
 * What passes because a profile has no table, or a rule that keeps it: the search is all there is then, and where it cannot look nothing
 * may pass that is not named.
 */
const emptied = [
  'PatientBirthDate, StudyDate, SeriesDate, AcquisitionDate, ContentDate, InstanceCreationDate',
  'AccessionNumber, ReferringPhysicianName, StudyID',
].join(', ')
const withoutTable = `base: none\nrules:\n  - { tag: [${emptied}], action: empty }\n`
const creator = el(0x00190010, 'LO', 'ACME X')

interface Asked {
  readonly profile?: string
  readonly elements: readonly TestElement[]
  readonly implicit?: boolean
  readonly project?: string
}

async function outcomeOf({ profile = withoutTable, elements, implicit, project }: Asked) {
  const made = await profileOf(profile, { iKnow: true })
  const transferSyntax = implicit === true ? { transferSyntax: syntax.implicit } : {}
  const object = ctImage({ elements: [...elements], ...transferSyntax })
  return deidentify([object], { profileOf: () => made, project })
}

function kept(tag: string): string {
  return `rules:\n  - { tag: ${tag}, action: keep }\n`
}

const held: Readonly<Record<string, Asked>> = {
  'an identifier of three digits': { elements: [el(0x00101000, 'LO', '123')] },
  'an accession number of two': {
    elements: [el(0x00080050, 'SH', '47')],
    profile: withoutTable.replace('AccessionNumber, ', ''),
  },
  'a name of two letters': { elements: [el(0x00101001, 'PN', 'Bo')] },
  'a physician of two letters in a sequence': {
    elements: [sq(0x00400275, [[el(0x00321032, 'PN', 'Ek')]])],
  },
  'a short address and telephone number': {
    elements: [el(0x00101040, 'LO', 'Oak'), el(0x00102154, 'SH', '112')],
  },
  'a birth date in another calendar': { elements: [el(0x00100033, 'LO', 'S36.4.23')] },
  'five hundred identifiers': {
    elements: [
      el(
        0x00101000,
        'LO',
        Array.from({ length: 500 }, (_, at) => `PAT${String(at).padStart(7, '0')}`),
      ),
    ],
  },
  'a day of birth with a time of day': {
    elements: [el(0x00100030, 'DA', '19610423'), el(0x0040a120, 'DT', '19610423103000')],
  },
  'the day of the study with a time of day': {
    elements: [el(0x00080020, 'DA', '20240229'), el(0x0008002a, 'DT', '20240229101500.25+0100')],
  },
  'a word of four letters in bytes': {
    elements: [
      el(0x00100010, 'PN', 'Zorn^Ida'),
      creator,
      el(0x00191004, 'UN', Buffer.from('Zorn')),
    ],
  },
  'a padded word of five letters in implicit VR': {
    elements: [
      el(0x00100010, 'PN', 'Meyer^Ida'),
      creator,
      el(0x00191004, 'UN', Buffer.from('Meyer\0')),
    ],
    implicit: true,
  },
  'a rule that keeps a short identifier': {
    profile: kept('OtherPatientIDs'),
    elements: [el(0x00101000, 'LO', '123')],
  },
  'a rule that keeps a name of two letters': {
    profile: kept('PatientMotherBirthName'),
    elements: [el(0x00101060, 'PN', 'Xu')],
  },
  'a rule that keeps a block with the day of birth': {
    profile: kept('"(0019,[ACME X],xx)"'),
    elements: [el(0x00100030, 'DA', '19610423'), creator, el(0x00191001, 'DT', '19610423103000')],
  },
  'a surname that the project has, too': {
    profile: 'base: basic\n',
    project: 'Lund',
    elements: [el(0x00100010, 'PN', 'Lund^Ida'), el(0x00181020, 'LO', 'made for Lund')],
  },
  'a day of birth among letters': {
    profile: 'base: basic\n',
    elements: [el(0x00100030, 'DA', '19610423'), el(0x00181020, 'LO', 'F19610423X')],
  },
  'a day of birth in a time stamp': {
    profile: 'base: basic\n',
    elements: [el(0x00100030, 'DA', '19610423'), el(0x00181020, 'LO', 'v_19610423103000')],
  },
}
for (const [what, asked] of Object.entries(held)) {
  t.test(`${what} holds the study`, async (t) => {
    const { record, files } = await outcomeOf(asked)
    t.equal(record.type, 'held')
    t.same(reasonsOf(record), ['identity-found'])
    t.same(files, [])
  })
}

t.test('numbers that count studies, and words of imaging, say nothing of anybody', async (t) => {
  const elements = [
    el(0x00200010, 'SH', '1'),
    el(0x00400253, 'SH', '2'),
    el(0x00101001, 'PN', 'Phantom'),
    el(0x00200013, 'IS', '123'),
  ]
  const profile = withoutTable.replace(', StudyID', '')
  const { record } = await outcomeOf({ profile, elements })
  t.equal(record.type, 'deidentified', JSON.stringify(record['reasons']))
})

t.test('whoever was born on the day of the study may keep the day of the study', async (t) => {
  const { record } = await outcomeOf({
    profile: `options: [retainLongitudinalFullDates]\n${kept('"(0019,[ACME X],xx)"')}`,
    elements: [
      el(0x00080020, 'DA', '20240229'),
      el(0x00100030, 'DA', '20240229'),
      creator,
      el(0x00191001, 'DT', '20240229103000'),
    ],
  })
  t.equal(record.type, 'deidentified', JSON.stringify(record['reasons']))
})

t.test(
  'without the table drawings, voices, signatures and what is encrypted do not pass',
  async (t) => {
    const secret = Buffer.from('SECRETLY')
    const hidden = [
      sq(0x04000500, [[el(0x04000510, 'UI', '1.2.840.10008.1.2.1'), el(0x04000520, 'OB', secret)]]),
      sq(0x4ffe0001, [[el(0x04000015, 'CS', 'SHA256')]]),
      el(0x50002000, 'US', 1),
      el(0x5000200c, 'OW', secret),
      el(0x50023000, 'OW', secret),
      el(0x60000010, 'US', 8),
      el(0x60000011, 'US', 8),
      el(0x60000040, 'CS', 'G'),
      el(0x60003000, 'OW', secret),
      el(0xfffcfffc, 'OB', secret),
      sq(0xfffafffa, [[el(0x04000115, 'OB', secret), el(0x04000120, 'OB', secret)]]),
    ]
    const outcome = await outcomeOf({ elements: hidden })
    using file = firstOf(outcome)
    for (const { tag } of hidden) t.equal(file.dataSet.get(tag), undefined, tag.toString(16))
    const named = await outcomeOf({
      profile:
        'base: none\nrules:\n  - { tag: "(60xx,xxxx)", action: keep }\n' + withoutTable.slice(18),
      elements: hidden,
    })
    using other = firstOf(named)
    t.ok(other.dataSet.get(0x60003000), 'a rule may name them')
  },
)

t.test('UIDs that makers write into kept blocks are replaced as all others are', async (t) => {
  const uid = '1.2.752.77.12345.6'
  for (const profile of [withoutTable, kept('"(0019,[ACME X],xx)"')]) {
    for (const [implicit, vr] of [
      [false, 'UI'],
      [true, 'UN'],
    ] as const) {
      const elements = [creator, el(0x00191002, 'UI', uid), el(0x00191003, 'LO', 'B30f')]
      const outcome = await outcomeOf({ profile, elements, implicit })
      using file = firstOf(outcome)
      const element = file.dataSet.get(0x00191002)
      if (element === undefined) throw new Error('it is gone')
      t.equal(file.bytes(element).toString('latin1').replace(/\0$/, ''), newUidOf(uid), vr)
    }
  }
  const retained = await outcomeOf({
    profile: `options: [retainUids]\n${kept('"(0019,[ACME X],xx)"')}`,
    elements: [creator, el(0x00191002, 'UI', uid)],
  })
  using file = firstOf(retained)
  t.equal(valueIn(file, 0x00191002), uid)
})
