import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checkProfile, loadProjectProfiles } from '../../src/lib/deidentify/index.ts'
import { newSite } from './deidentified.ts'

async function warningsOf(text: string): Promise<string[]> {
  const path = join(newSite().root, 'p.yaml')
  writeFileSync(path, text)
  const { problems, profile } = await checkProfile(path)
  if (profile === undefined) throw new Error(JSON.stringify(problems))
  return problems.map(({ line, message }) => `${String(line)}: ${message}`)
}

t.test('a rule that an earlier one covers is told, and only such a one', async (t) => {
  const first = '{ tag: "(0008,10xx)", action: remove }'
  for (const [earlier, later, isCovered] of [
    ['{ tag: StudyID, action: remove }', '{ tag: StudyID, action: empty }', true],
    [
      '{ tag: StudyID, action: remove }',
      '{ tag: A, action: empty }'.replace('A', 'AccessionNumber'),
      false,
    ],
    [first, '{ tag: SeriesDescription, action: clean }', true],
    [first, '{ tag: StudyDate, action: empty }', false],
    [first, '{ tag: StudyDescription, action: clean }', true],
    [first, '{ tag: "(0008,1xxx)", action: remove }', false],
    ['{ vr: [SH], action: remove }', '{ tag: StudyID, action: empty }', true],
    ['{ tag: StudyID, action: review }', '{ tag: StudyID, action: empty }', false],
    [
      '{ tag: StudyID, when: { Modality: MR }, action: remove }',
      '{ tag: StudyID, action: empty }',
      false,
    ],
    [
      '{ tag: StudyID, when: { Modality: [MR, CT] }, action: remove }',
      '{ tag: StudyID, when: { Modality: mr, Rows: 4 }, action: empty }',
      true,
    ],
    ['{ tag: "/StudyID", action: remove }', '{ tag: StudyID, action: empty }', false],
    [
      '{ tag: "ReferencedStudySequence/StudyID", action: remove }',
      '{ tag: "RequestAttributesSequence/ReferencedStudySequence/StudyID", action: empty }',
      true,
    ],
    ['{ tag: "*/StudyID", action: remove }', '{ tag: StudyID, action: empty }', false],
    ['{ tag: "(0019,[A],xx)", action: remove }', '{ tag: "(0019,[A],0C)", action: empty }', true],
    ['{ tag: "(0019,[A],xx)", action: remove }', '{ tag: "(0019,[B],0C)", action: empty }', false],
  ] as const) {
    const found = await warningsOf(`rules:\n  - ${earlier}\n  - ${later}\n`)
    const shadowed = found.filter((one) =>
      one.startsWith('3: this rule never applies: the one in line 2'),
    )
    t.equal(shadowed.length > 0, isCovered, `${earlier} before ${later}: ${found.join('; ')}`)
  }
  const part = await warningsOf(
    'rules:\n  - { tag: StudyID, action: remove }\n  - { tag: [StudyID, AccessionNumber], action: empty }\n',
  )
  t.match(part.join('\n'), /3: StudyID is out of reach here/)
})

t.test('what is never reached, retained or weak is told', async (t) => {
  for (const [text, expected] of [
    [
      'rules:\n  - { tag: OriginalAttributesSequence/StudyID, action: empty }',
      /the table removes OriginalAttributesSequence with all that is in it/,
    ],
    [
      'rules:\n  - { tag: InstitutionName, action: keep }',
      /retained against the table: InstitutionName \(in the table: \w+\)/,
    ],
    [
      'rules:\n  - { tag: PatientName, action: keep }',
      /PatientName says who the patient .* holds the study/,
    ],
    [
      'rules:\n  - { tag: "(0010,xxxx)", action: keep }',
      /retained against the table: .* and \d+ more/,
    ],
    ['rules:\n  - { vr: UT, action: keep }', /retained against the table/],
    ['rules:\n  - { tag: "(0019,[A],01)", action: keep }', /which is private/],
    [
      'rules:\n  - { tag: StudyDescription, action: extract, pattern: "^(a)" }',
      /a part is retained against the table/,
    ],
    ['rules:\n  - { tag: StudyID, action: hash, length: 4 }', /4 characters are too few/],
    [
      'rules:\n  - { tag: StudyID, action: hash, style: original, length: 10 }',
      /10 digits are too few/,
    ],
    ['hashStyle: original\nrules:\n  - { tag: StudyID, action: hash }', /without a secret/],
    ['uidStyle: original', /without a secret/],
    ['base: none', /what no rule names goes as it is/],
    [
      'rules:\n  - { tag: StudyID, action: remove, when: { Modality: "/^(a+)+$/" } }',
      /try more and more ways/,
    ],
    [
      'rules:\n  - { tag: StudyID, action: extract, pattern: "(.*)x(.*)" }',
      /of values of more than \d+ characters this pattern finds nothing/,
    ],
  ] as const) {
    t.match((await warningsOf(text)).join('\n'), expected, text)
  }
  for (const text of [
    'rules:\n  - { tag: Manufacturer, action: keep }',
    'rules:\n  - { tag: PatientName, action: remove }',
    'rules:\n  - { tag: StudyID, action: hash, length: 12 }',
    'options: [retainInstitutionIdentity]\nrules:\n  - { tag: InstitutionName, action: keep }',
    'rules:\n  - { tag: OriginalAttributesSequence, action: keep }\n  - { tag: OriginalAttributesSequence/StudyID, action: empty }',
  ]) {
    const found = await warningsOf(text)
    t.same(
      found.filter((one) => !one.includes('OriginalAttributesSequence (')),
      [],
      text,
    )
  }
})

t.test('options and dates that contradict each other are mistakes with a place', async (t) => {
  const path = join(newSite().root, 'p.yaml')
  for (const [text, expected] of [
    [
      'options: [retainLongitudinalFullDates, retainLongitudinalModifiedDates]',
      /a profile cannot keep dates and shift them, too/,
    ],
    ['options: [cleanDescriptor]', /did you mean "cleanDescriptors"\?/],
    ['dateShift: { mode: fixed, days: 3 }', /dateShift does nothing without the option/],
    [
      'options: [retainLongitudinalModifiedDates]\ndateShift: { mode: fixed }',
      /fixed without "days"/,
    ],
    [
      'options: [retainLongitudinalModifiedDates]\ndateShift: { mode: fixed, days: 99999 }',
      /would not be shifted/,
    ],
    [
      'options: [retainLongitudinalModifiedDates]\ndateShift: { mode: perParticipant, days: 9 }',
      /"days" belongs to mode fixed/,
    ],
    ['honourPrivateDataInformation: true', /honourPrivateDataInformation does nothing without/],
    [
      'pixels: { rules: [ { modality: US, mask: [[0]] } ] }',
      /pixels\.rules\[0\]\.mask\[0\] must be/,
    ],
    ['objects: { CTImageStorage: clean }', /clean is for PR, SR and KO/],
  ] as const) {
    writeFileSync(path, text)
    const { problems, profile } = await checkProfile(path)
    t.equal(profile, undefined, text)
    t.match(problems.map(({ message }) => message).join('\n'), expected, text)
    t.ok(problems.every(({ line, column }) => line > 0 && column > 0))
  }
})

t.test('mistakes of form and of meaning are told in one round, each at its place', async (t) => {
  const path = join(newSite().root, 'p.yaml')
  writeFileSync(
    path,
    `bsae: basic
options: [cleanDescriptor, 7, retainLongitudinalModifiedDates, retainLongitudinalFullDates]
honourPrivateDataInformation: maybe
dateShift: { mode: fixd }
rules:
  - { tag: SeriesDescripton, action: kep }
  - { tag: StudyDate, action: uid }
  - { tag: StudyID, action: extract, pattern: '(', length: x }
  - StudyID
  - { tag: PatientName, when: { Modalty: MR }, acton: keep }
tagchange: [7, '0008,0050=hash', 'x=y']
objects: { PR: kep, XY: keep, exclude: [{ SOPClass: Nonsense }, { size: 3 }] }
verify: { onHit: pass, extraTerms: [abc] }
pixels: { rulse: [] }
`,
  )
  const { problems, profile } = await checkProfile(path)
  t.equal(profile, undefined)
  const told = problems.map((one) => `${String(one.line)}:${String(one.column)} ${one.message}`)
  const expected = [
    /^1:1 unknown key "bsae"; did you mean "base"\?/,
    /^2:11 no option is called "cleanDescriptor"; did you mean/,
    /^2:28 an entry of "options" is the name of an option, not 7/,
    /^2:10 a profile cannot keep dates and shift them, too/,
    /^3:31 "honourPrivateDataInformation" must be boolean/,
    /^4:20 "mode" is none, fixed or perParticipant, not "fixd"/,
    /^6:12 no attribute is called "SeriesDescripton"; did you mean/,
    /^6:38 "action" is .* not "kep"; did you mean "keep"\?/,
    /^7:12 StudyDate is DA, not UI/,
    /^8:47 no regular expression/,
    /^8:60 "length" must be integer/,
    /^9:5 an entry of "rules" is a rule/,
    /^10:33 no attribute is called "Modalty"; did you mean "Modality"\?/,
    /^10:48 unknown key "acton"; did you mean "action"\?/,
    /^11:13 an entry of "tagchange" is gggg,eeee=ACTION, not 7/,
    /^11:34 /,
    /^12:16 "PR" is keep, clean, drop or review, not "kep"/,
    /^12:21 no kind of object is called "XY"/,
    /^12:53 no SOP class is called "Nonsense"/,
    /^12:67 unknown key "size"/,
    /^13:18 "onHit" is hold, not "pass"/,
    /^13:37 "abc" is shorter than 4 characters/,
    /^14:1?\d pixels/,
  ]
  for (const one of expected) {
    t.ok(
      told.some((each) => one.test(each)),
      `${String(one)} is told`,
    )
  }
  // The missing "action" of the last rule, and nothing that only follows from another mistake.
  const others = told.filter((each) => !expected.some((one) => one.test(each)))
  t.same(others, ['10:5 "action" is missing here'])
})

t.test('what the configuration says of dates is done, or refused', async (t) => {
  const { root } = newSite()
  const write = (name: string, text: string) => {
    writeFileSync(join(root, name), text)
    return join(root, name)
  }
  const shifting = write('shift.yaml', 'options: [retainLongitudinalModifiedDates]')
  const own = write(
    'own.yaml',
    'options: [retainLongitudinalModifiedDates]\ndateShift: { mode: fixed, days: 3 }',
  )
  const plain = write('plain.yaml', 'base: basic')
  const load = async (deidentify: object, override: { profile?: string } = {}) =>
    (await loadProjectProfiles({ A: { deidentify, destinations: [] } }, override))('A')
  const fixed = { mode: 'fixed', days: -30 } as const
  t.same((await load({ profile: shifting, dateShift: fixed })).dateShift, fixed)
  t.same((await load({ profile: shifting, dateShift: fixed }, { profile: own })).dateShift, {
    mode: 'fixed',
    days: 3,
  })
  t.same((await load({ profile: plain, dateShift: fixed }, { profile: shifting })).dateShift, fixed)
  for (const [deidentify, message] of [
    [{ profile: plain, dateShift: fixed }, /dateShift does nothing: no option and no rule/],
    [{ profile: own, dateShift: fixed }, /has a dateShift of its own, and another one/],
    [{ profile: plain, iKnow: true }, /iKnow does nothing: its profile plain has the base basic/],
    [{ profile: shifting, dateShift: { mode: 'none' } }, /dates would not be shifted/],
  ] as const) {
    await t.rejects(load(deidentify), { code: 'E_PROFILE', message, exitCode: 78 })
  }
})
