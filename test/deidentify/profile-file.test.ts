import t from 'tap'
import {
  Problems,
  convertOriginal,
  formatProblem,
  readProfile,
} from '../../src/lib/deidentify/profile-file/index.ts'
import { canonicalProfile } from '../../src/lib/deidentify/profile-file/canonical.ts'

function problemsOf(text: string): string[] {
  const problems = new Problems('p', text)
  readProfile(text, problems)
  return problems.all().map((each) => formatProblem('p', each))
}

function meaningOf(text: string): string {
  const problems = new Problems('p', text)
  const file = readProfile(text, problems)
  if (file === undefined || problems.hasMistakes)
    throw new Error(
      problems
        .all()
        .map(({ message }) => message)
        .join(),
    )
  return JSON.stringify(canonicalProfile(file))
}

/** The mistake of a rule, in line 2. */
function mistakeOf(rule: string): string {
  return problemsOf(`rules:\n  - { ${rule} }`).join('\n')
}

t.test('a mistake in a rule is told with what was probably meant', async (t) => {
  for (const [rule, expected] of [
    [
      'tag: SeriesDescripton, action: keep',
      'p:2:12: no attribute is called "SeriesDescripton"; did you mean "SeriesDescription"?',
    ],
    ['tag: StudyID, action: kep', 'did you mean "keep"?'],
    ['tag: StudyID, acton: keep', 'unknown key "acton"; did you mean "action"?'],
    ['tag: StudyID', '"action" is missing here'],
    ['action: keep', 'p:2:5: a rule without "tag"'],
    ['tag: StudyID, vr: LO, action: keep', '"tag" or "vr", not both'],
    ['tag: 7, action: keep', '"tag" is a tag, or a list of tags, not 7'],
    ['tag: [], action: keep', '"tag" is empty'],
    ['tag: "(0008,10)", action: keep', 'is no tag; a tag is (0008,103E)'],
    ['tag: "A//B", action: keep', 'names no attribute'],
    ['tag: "StudyID/SeriesDescription", action: keep', 'StudyID is no sequence'],
    ['tag: "(0019,100C)", action: keep', 'its number differs from object to object'],
    ['tag: "(0018,[X],0C)", action: keep', 'private groups are odd'],
    ['tag: "(0019,[X],0C)", action: hash', 'hash needs the VR'],
    ['tag: "(0008,xx10)", action: hash', 'stands for several attributes'],
    ['tag: StudyInstanceUID, action: keep', 'always replaced by its new UID'],
    ['tag: Rows, action: remove', 'how the pixels are read'],
    ['tag: SpecificCharacterSet, action: remove', 'how all text of the object is read'],
    ['tag: DeidentificationMethod, action: remove', 'what de-identification says of itself'],
    ['tag: "(0002,0016)", action: remove', 'no attribute of a data set'],
    ['tag: OtherPatientIDsSequence, action: hash', 'is SQ'],
    ['tag: StudyDate, action: uid', 'is DA, not UI'],
    ['tag: StudyID, action: shiftDate', 'only DA and DT'],
    ['tag: StudyDate, action: hash', 'is DA: a hash is text'],
    ['tag: AccessionNumber, action: hash, length: 17', 'it has 16 characters at most'],
    ['tag: StudyID, action: hash, length: 0', '"length"'],
    ['tag: StudyID, action: keep, length: 9', '"length" belongs to hash, not to keep'],
    ['tag: StudyID, action: set', 'set without "value"'],
    ['tag: StudyID, action: set, value: 7', '"value" is a text: put it in quotes, not 7'],
    ['tag: StudyID, action: set, value: "{partcipant}"', 'did you mean {participant}?'],
    ['tag: StudyID, action: set, value: "{"', 'a brace is written twice'],
    ['tag: StudyID, action: set, value: "Größe"', 'no printable ASCII character'],
    ['tag: StudyID, action: set, value: "a\\\\b"', 'a backslash separates values'],
    ['tag: StudyID, action: set, value: "12345678901234567"', 'more than the 16 of SH'],
    ['tag: StudyDate, action: set, value: "1.1.2020"', 'does not look like DA'],
    ['tag: BodyPartExamined, action: set, value: "head"', 'does not look like CS'],
    ['tag: InstanceNumber, action: set, value: "x"', 'does not look like IS'],
    [
      'tag: SliceThickness, action: extract, pattern: "(", template: "$1"',
      'no regular expression: a ( without its )',
    ],
    ['tag: ProtocolName, action: extract', 'extract without "pattern"'],
    [
      'tag: ProtocolName, action: extract, pattern: "(a)", template: "$2"',
      '$2: the pattern has 1 group',
    ],
    [
      'tag: ProtocolName, action: extract, pattern: "(a)", template: "$x"',
      'a dollar is written twice',
    ],
    ['tag: ProtocolName, action: extract, pattern: "^((a+)+)$"', 'repetitions within repetitions'],
    [
      'tag: StudyID, action: remove, when: { Modalty: MR }',
      'no attribute is called "Modalty"; did you mean "Modality"?',
    ],
    ['tag: StudyID, action: remove, when: { ClasifyType: MR }', 'did you mean "ClassifyType"?'],
    [
      'tag: StudyID, action: remove, when: { SOPClassUID: CTImageStorag }',
      'did you mean "CTImageStorage"?',
    ],
    ['tag: StudyID, action: remove, when: { Modality: "/(/" }', 'no regular expression'],
    ['tag: StudyID, action: remove, when: {}', '"when" is empty'],
    ['tag: StudyID, action: remove, when: { RequestAttributesSequence: x }', 'is a sequence'],
    ['vr: XX, action: remove', '"XX" is no VR'],
    ['vr: SQ, action: remove', 'sequences are named one by one'],
  ] as const) {
    t.ok(mistakeOf(rule).includes(expected), `${rule}\n  gives ${mistakeOf(rule)}`)
  }
})

t.test('so is one anywhere else', async (t) => {
  for (const [text, expected] of [
    ['', 'p:1:1: the profile is empty'],
    ['- base: basic', 'a profile is keys and values'],
    ['bas: basic', 'p:1:1: unknown key "bas"; did you mean "base"?'],
    ['base: basc', 'did you mean "basic"?'],
    ['base: basic\nbase: none', 'p:2:1: Map keys must be unique'],
    ['base: basic\n---\nbase: none', 'a second document begins here; a profile is one'],
    ['base: [', 'p:1:8'],
    ['objects: { PDR: drop }', 'p:1:12: no kind of object is called "PDR"; did you mean "PR"?'],
    ['objects: { PR: lose }', '"PR" is keep, clean, drop or review, not "lose"'],
    ['objects: { Encapsulated PDF: keep }', 'no rule can look into objects of this kind'],
    ['objects: { exclude: [ { SOPClass: Raw } ] }', 'no SOP class is called "Raw"'],
    ['objects: { exclude: [ {} ] }', 'an entry of "exclude" is empty'],
    ['verify: { onHit: pass }', '"onHit" is hold, not "pass"'],
    ['verify: { extraTerms: [abc] }', 'shorter than 4 characters'],
    ['tagchange: [ "0008=keep" ]', 'is not of the form gggg,eeee='],
    ['tagchange: [ "0008,0080=SITENAME" ]', 'write the name of the site'],
    ['regtagchange: [ "0008,103e=(" ]', 'no regular expression'],
    ['rules: [ { tag: (0019,[A],0C), action: keep } ]', 'a tag is written in quotes'],
    ['rules: *a', 'no anchor &a stands before *a'],
  ] as const) {
    const problems = problemsOf(text).join('\n')
    t.ok(problems.includes(expected), `${text}\n  gives ${problems}`)
  }
})

t.test('hostile files end soon, and with a sentence', async (t) => {
  const bomb = ['a: &a [x, x]']
  for (let at = 1; at < 12; at += 1) {
    const [name, before] = [at, at - 1].map((n) => String.fromCharCode(97 + n))
    bomb.push(
      `${String(name)}: &${String(name)} [${Array(10)
        .fill(`*${String(before)}`)
        .join(', ')}]`,
    )
  }
  for (const [what, text, expected] of [
    ['aliases', bomb.join('\n'), 'aliases stand for too much'],
    ['brackets', `a: ${'['.repeat(1 << 20)}`, 'nested too deeply'],
    [
      'indents',
      Array.from({ length: 1200 }, (_, at) => `${' '.repeat(at)}a:`).join('\n'),
      'nested too deeply',
    ],
    ['rules', `rules:\n${'  - { tag: StudyID, action: keep }\n'.repeat(2001)}`, '2000'],
    [
      'control characters',
      'rules:\n  - { tag: "\u0007\u001b[2J", action: keep }',
      'no attribute is called "\\u0007\\u001b',
    ],
    [
      'a keyword that never ends',
      `rules:\n  - { tag: ${'x'.repeat(50_000)}, action: keep }`,
      'no attribute is called',
    ],
    ['prototypes', 'rules:\n  - { tag: __proto__, action: constructor }', '"action" is keep'],
    ['JSON with a proto', '{ "__proto__": { "base": "none" } }', 'unknown key "__proto__"'],
  ] as const) {
    const problems = problemsOf(text)
    t.ok(problems.join('\n').includes(expected), `${what}: ${problems.slice(0, 3).join('\n')}`)
    t.ok(
      problems.every((line) => line.length < 1000),
      `${what}: short`,
    )
  }
})

t.test('YAML and JSON mean the same, comments and spellings nothing', async (t) => {
  const yaml = `# a comment
options: [cleanDescriptors, retainSafePrivate]
rules:
  - tag: SeriesDescription   # another
    action: clean
  - { tag: "(0010,0020)", when: { Modality: us, Manufacturer: [A, B] }, action: remove }
`
  const json = JSON.stringify({
    name: 'other',
    note: 'the same in JSON',
    base: 'basic',
    rules: [
      { action: 'clean', tag: '(0008,103e)' },
      {
        tag: 'PatientID',
        when: { Manufacturer: ['B', 'A'], Modality: 'US' },
        action: 'remove',
        note: 'x',
      },
    ],
    options: ['retainSafePrivate', 'cleanDescriptors'],
  })
  t.equal(meaningOf(json), meaningOf(yaml))
  const others = [
    yaml.replace('action: clean', 'action: remove'),
    yaml.replace('[A, B]', '[A]'),
    yaml.replace('"(0010,0020)"', '"/PatientID"'),
    yaml.replace('cleanDescriptors, ', ''),
    `${yaml}verify: { extraTerms: [Mercy Hospital] }\n`,
    `${yaml}objects: { PR: drop }\n`,
    `${yaml}uidStyle: original\n`,
  ]
  t.equal(
    new Set([yaml, ...others].map(meaningOf)).size,
    others.length + 1,
    'each of these means another thing',
  )
})

t.test('the forms of the original are rules of ours', async (t) => {
  const written = `tagchange:
  - 0008,0080=PROJECTNAME
  - 0010,0020=PatientID
  - 0012,0050=EventName
  - 0008,0018=hashuid+PROJECTNAME
  - 0040,a124=hashuid
  - 0008,0050=hash
  - 0008,0020=incrementdate
  - 0008,002a=incrementdatetime
  - 0008,103e=keep
  - 0010,1040=remove
  - 0010,0030=empty
  - 0012,0062=YES`
  // The object's own UID is replaced anyhow, and what de-identification says of itself is no rule's.
  const refused = problemsOf(written)
  t.match(refused.join('\n'), /SOPInstanceUID.*always replaced/)
  t.match(refused.join('\n'), /PatientIdentityRemoved is what de-identification says of itself/)
  const ours = `rules:
  - { tag: InstitutionName, action: set, value: "{project}" }
  - { tag: PatientID, action: set, value: "{participant}" }
  - { tag: ClinicalTrialTimePointID, action: set, value: "{event}" }
  - { tag: UID, action: uid }
  - { tag: AccessionNumber, action: hash }
  - { tag: StudyDate, action: shiftDate }
  - { tag: AcquisitionDateTime, action: shiftDate }
  - { tag: SeriesDescription, action: keep }
  - { tag: PatientAddress, action: remove }
  - { tag: PatientBirthDate, action: empty }
  - { tag: StudyComments, action: set, value: "Re-Mapped" }
  - { tag: SeriesDescription, action: extract, pattern: "^(t1|t2)_(.)", template: "$1 $2",
      otherwise: "FIONA: no match on regular expression" }`
  const theirs = `${written
    .split('\n')
    .filter((line) => !/0008,0018|0012,0062/.test(line))
    .join('\n')}
  - 0032,4000=Re-Mapped
regtagchange: [ "0008,103e=^(t1|t2)_(.)" ]`
  t.equal(meaningOf(theirs), meaningOf(ours))
})

t.test('--convert writes a profile that says what the original file says', async (t) => {
  const list = JSON.stringify([
    { group: '0x08', element: '0x80', hr: 'InstitutionName' },
    { group: '0x0008', element: '0x1155', hr: 'ReferencedSOPInstanceUID' },
    { group: '0x10', element: '0x0010', hr: 'PatientName', value: 'a {b} "c"' },
    { group: '0x09', element: '0x1030', name: 'private\u001b[2J thing' },
    { group: '8', element: '80', hr: 'AccessionNumber' },
  ])
  const converted = convertOriginal(list, '/somewhere/anonymizeTags.json')
  t.equal(
    meaningOf(converted),
    meaningOf(`rules:
  - { tag: InstitutionName, action: empty }
  - { tag: ReferencedSOPInstanceUID, action: uid }
  - { tag: PatientName, action: set, value: 'a {{b}} "c"', create: false }
  - { tag: AccessionNumber, action: empty }`),
  )
  t.match(converted, /# \(0009,1030\) private \[2J thing: private attributes are removed/)
  t.notMatch(converted, '\u001b')
  t.notMatch(converted, '/somewhere')
  const options =
    '# ours\n--tagchange 0008,0080=PROJECTNAME \\\n--regtagchange 0008,103e=^(t1)_\n0008,0050=hash\n'
  t.equal(
    meaningOf(convertOriginal(options, 'changes')),
    meaningOf(`rules:
  - { tag: InstitutionName, action: set, value: "{project}" }
  - { tag: SeriesDescription, action: extract, pattern: "^(t1)_", otherwise: "FIONA: no match on regular expression" }
  - { tag: AccessionNumber, action: hash }`),
  )
  for (const [text, expected] of [
    ['[ {', /is not JSON/],
    ['[ { "group": "0x08" } ]', /entry 1 has no "group" and "element"/],
    ['[ { "group": "0x08", "element": "0xfffff" } ]', /entry 1/],
    ['', /neither a list of tags nor lines/],
    ['0008,0080=SITENAME', /x:1:1: SITENAME/],
  ] as const) {
    t.throws(() => convertOriginal(text, 'x'), { code: 'E_PROFILE', message: expected })
  }
})
