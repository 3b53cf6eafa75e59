import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import t from 'tap'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import {
  furtherOf,
  Intake,
  openRecordSink,
  ProjectChoice,
  type IntakeOptions,
  type ObjectSource,
  type Taken,
} from '../../src/lib/intake/index.ts'
import type { Match } from '../../src/lib/match/index.ts'
import { parseRecord, type InstanceRecord } from '../../src/lib/record/index.ts'
import { ctImage, el, sq, syntax, type TestElement } from '../fixtures/dicom-writer.ts'
import { partsIn } from '../fixtures/incoming.ts'

type Projects = IntakeOptions['projects']
type Choice = NonNullable<IntakeOptions['choice']>

/** What is written in the configuration, of any project that this is about. */
function matching(matches: Record<string, Match>): Projects {
  const projects = Object.entries(matches).map(([name, match]) => [
    name,
    { match, destinations: [] },
  ])
  return Object.fromEntries(projects) as Projects
}

const image = ctImage({
  elements: [
    el(0x00080008, 'CS', 'ORIGINAL\\PRIMARY\\AXIAL'),
    el(0x00080080, 'LO', 'Hospital of Bergen'),
    el(0x00100020, 'LO', 'H-0042'),
    el(0x00280010, 'US', 512),
  ],
})

function chosen(match: Match, source: ObjectSource = {}): boolean {
  const choice = new ProjectChoice(matching({ P: match }))
  using file = DicomFile.fromBuffer(image)
  const { asked, projects } = choice.explain(source, file)
  t.same(projects, choice.choose(source, file))
  t.equal(asked[0]?.holds, projects[0] === 'P')
  return projects[0] === 'P'
}

const scanner = { callingAET: 'CT1', calledAET: 'ABCD', address: '10.1.2.3' }
const conditions: readonly [what: string, match: Match, source: ObjectSource, holds: boolean][] = [
  ['the called AE title', { calledAET: '^ABCD$' }, scanner, true],
  ['another called AE title', { calledAET: '^ABCD$' }, { calledAET: 'ABCDE' }, false],
  ['the calling AE title', { callingAET: '^CT[0-9]+$' }, scanner, true],
  ['a fact that is not known', { calledAET: 'ABCD' }, {}, false],
  ['that a fact is not known', { calledAET: '^$' }, {}, true],
  ['an address', { address: '10.1.2.3' }, scanner, true],
  ['an address that begins like it', { address: '10.1.2.3' }, { address: '10.1.2.30' }, false],
  ['a range', { address: '10.1.0.0/16' }, scanner, true],
  ['a range beside it', { address: '10.2.0.0/16' }, scanner, false],
  ['one of several ranges', { address: ['10.2.0.0/16', '10.1.2.0/24'] }, scanner, true],
  ['a range of IPv6', { address: '2001:db8::/32' }, { address: '2001:db8::7' }, true],
  ['IPv4 in IPv6', { address: '10.1.0.0/16' }, { address: '::ffff:10.1.2.3' }, true],
  ['an address of the other family', { address: '0.0.0.0/0' }, { address: '2001:db8::7' }, false],
  ['an address that is not known', { address: '0.0.0.0/0' }, {}, false],
  ['an address that is none', { address: '0.0.0.0/0' }, { address: 'localhost' }, false],
  ['a pattern of the patient ID', { PatientID: '^H-\\d{4}$' }, {}, true],
  ['another pattern of it', { PatientID: '^X-' }, {}, false],
  ['none of a kind', { PatientID: '^(?!X-)' }, {}, true],
  ['a part of any attribute', { InstitutionName: 'Bergen' }, {}, true],
  ['one whatever its case', { InstitutionName: '(?i)bergen$' }, {}, true],
  ['several values', { ImageType: '^ORIGINAL\\\\PRIMARY\\\\' }, {}, true],
  ['a number', { Rows: '^512$' }, {}, true],
  ['one in the file meta information', { TransferSyntaxUID: '^1\\.2\\.840' }, {}, true],
  ['that an attribute is not there', { PatientComments: '^$' }, {}, true],
  ['one of several patterns', { PatientID: ['^X-', '^H-'] }, {}, true],
  ['all conditions', { calledAET: '^ABCD$', PatientID: '^H-', Rows: '^512$' }, scanner, true],
  ['all conditions but one', { calledAET: '^ABCD$', PatientID: '^X-' }, scanner, false],
  ['one of two alternatives', [{ PatientID: '^X-' }, { calledAET: 'ABCD' }], scanner, true],
  [
    'none of two alternatives, though each has one that holds',
    [
      { PatientID: '^H-', calledAET: 'XY' },
      { PatientID: '^X-', calledAET: 'ABCD' },
    ],
    scanner,
    false,
  ],
]

for (const [what, match, source, holds] of conditions) {
  t.test(`a match by ${what} ${holds ? 'holds' : 'does not hold'}`, async (t) => {
    t.equal(chosen(match, source), holds)
  })
}

t.test('a pattern that hangs a backtracking matcher decides at once', async (t) => {
  const hangs = { PatientID: '^(a+)+$' }
  using file = DicomFile.fromBuffer(
    ctImage({ elements: [el(0x00100020, 'LO', `${'a'.repeat(64)}!`)] }),
  )
  t.same(new ProjectChoice(matching({ P: hangs })).choose({}, file), ['default'])
})

const codeOf = (value: string) => [el(0x00080100, 'SH', value)]
const requested = [
  el(0x00190011, 'LO', 'SIEMENS MR HEADER'),
  el(0x0019110c, 'IS', '1000'),
  el(0x0019110d, 'SH', Buffer.from('TRIAL\\Sch\u00e4del ')),
  sq(0x00400275, [
    [sq(0x00321064, [codeOf('BRAIN'), codeOf('NECK')])],
    [sq(0x00321064, [codeOf('SPINE')]), el(0x00400007, 'LO', 'second')],
  ]),
]
const code = 'RequestAttributesSequence.RequestedProcedureCodeSequence.CodeValue'
const written: readonly [key: string, pattern: string, holds: boolean][] = [
  ['["0x0019","SIEMENS MR HEADER","0x0c"]', '^1000$', true],
  ['["0x0019","SIEMENS MR HEADER","0x0d"]', '^TRIAL\\\\Sch\u00e4del$', true],
  ['["0x0019","SOMEBODY ELSE","0x0c"]', '1000', false],
  ['["0x0019","SOMEBODY ELSE","0x0c"]', '^$', true],
  ['["0x0019","0x110c"]', '^1000$', true],
  ['["0x0008","0x0060"]', '^CT$', true],
  ['["0x0019","0x110d","0"]', '^TRIAL$', true],
  ['["0x0019","0x110d","7"]', '^$', true],
  [code, '^BRAIN\\\\NECK\\\\SPINE$', true],
  [code.replace('.R', '[1].R'), '^SPINE$', true],
  [code.replace('.R', '[2].R'), '^$', true],
  [`["${code}"]`, 'NECK', true],
  ['00400275.ScheduledProcedureStepDescription', '^second$', true],
  ['RequestAttributesSequence.RequestedProcedureID', '.', false],
]

t.test(
  'a match asks for attributes as rules do: private ones, and those in sequences',
  async (t) => {
    for (const transferSyntax of [syntax.explicit, syntax.implicit]) {
      const characterSet = el(0x00080005, 'CS', 'ISO_IR 192')
      const bytes = ctImage({ transferSyntax, elements: [characterSet, ...requested] })
      for (const [key, pattern, holds] of written) {
        const choice = new ProjectChoice(matching({ P: { [key]: pattern } }))
        using file = DicomFile.fromBuffer(bytes)
        t.same(choice.choose({}, file), [holds ? 'P' : 'default'], `${key} ${pattern}`)
      }
    }
  },
)

t.test(
  'what is stored goes by its sequences, too, and a crowd of items is no match for memory',
  async (t) => {
    const crowd = (items: number) =>
      sq(0x00400275, Array<TestElement[]>(items).fill(codeOf('BRAIN')))
    const items = (count: number) =>
      ctImage({ elements: [crowd(count), sq(0x00081140, [codeOf('HIP')])] })
    const intake = new Intake({
      dataDir: t.testdir(),
      projects: matching({
        P: { 'RequestAttributesSequence.CodeValue': '^BRAIN(\\\\BRAIN)*$' },
        Q: { 'ReferencedImageSequence.CodeValue': '^HIP$' },
      }),
      choice: all,
    })
    t.match(await take(intake, items(3)), [{ project: 'P' }, { project: 'Q' }])
    t.match(await take(intake, items(60_000)), [{ project: 'Q' }])
  },
)

t.test('a private value of bytes, or of more than anybody reads, is bounded text', async (t) => {
  const many = Buffer.alloc(64 << 10, 'a')
  const value = (bytes: Buffer) => [el(0x00190011, 'LO', 'X'), el(0x0019110c, 'UN', bytes)]
  const holds = (bytes: Buffer, pattern: string) => {
    using file = DicomFile.fromBuffer(ctImage({ elements: value(bytes) }))
    const match = { '["0x0019","X","0x0c"]': pattern }
    return new ProjectChoice(matching({ P: match })).choose({}, file)[0] === 'P'
  }
  t.equal(holds(many, '^(a+)+$'), false)
  t.equal(holds(many, '^a'), true)
  t.equal(holds(Buffer.from([0, 1, 0xff, 0x1b, 0x24, 0]), '^$'), false)
  t.equal(holds(Buffer.from('PROJ \0'), '^PROJ$'), true)
})

const three = matching({
  HEAD: { PatientID: '^H-', calledAET: '^HEADS$' },
  SITE: { InstitutionName: 'Bergen' },
  CT: { Modality: '^CT$' },
})

t.test('first: the first in the order of the file; all: every one; else the default', async (t) => {
  const choose = (projects: Choice['projects'], source: ObjectSource, file: DicomFile) =>
    new ProjectChoice(three, { projects, default: 'PARKED' }).choose(source, file)
  using file = DicomFile.fromBuffer(image)
  const heads = { calledAET: 'HEADS' }
  t.same(choose('first', heads, file), ['HEAD'])
  t.same(choose('first', {}, file), ['SITE'])
  t.same(choose('all', heads, file), ['HEAD', 'SITE', 'CT'])
  t.same(choose('all', {}, file), ['SITE', 'CT'])
  using other = DicomFile.fromBuffer(
    ctImage({ elements: [el(0x00080060, 'CS', 'MR'), el(0x00080080, 'LO', 'Oslo')] }),
  )
  for (const projects of ['first', 'all'] as const) {
    t.same(choose(projects, {}, other), ['PARKED'])
  }
})

t.test('mistakes of a match end it at the start, as those of the file do', async (t) => {
  const refused: readonly [match: Match, message: RegExp][] = [
    [{ calledAET: '^(AB' }, /^projects\.P\.match\.calledAET is no regular expression/],
    [{ caledAET: 'X' }, /^projects\.P\.match\.caledAET is neither .* did you mean "calledAET"/],
    [{ PatientIdd: 'X' }, /did you mean "PatientID"/],
    [{ ClassifyType: 'CT' }, /match\.ClassifyType is not known yet when an object arrives/],
    [{ '["0x19", X, "0x0c"]': 'X' }, /is no tag: write it as JSON has it/],
    [{ '["0x0018","X","0x0c"]': 'X' }, /is no tag: "X" is no number/],
    [{ '[]': 'X' }, /is no tag: a tag has 1 to 3 parts, not 0/],
    [{ 'Modality.CodeValue': 'X' }, /is no tag: Modality is no sequence/],
    [{ 'RequestAttributesSequence.CodeVale': 'X' }, /did you mean "CodeValue"/],
    [{ 'ReferencedStudySequence.PurposeOfReferenceCodeSequence': 'X' }, /is a sequence/],
    [{ PixelData: 'X' }, /holds bytes; name an attribute that has text or numbers/],
    [[{ PatientID: 'X' }, { address: '10' }], /^projects\.P\.match\.1\.address is no address/],
    [{}, /^projects\.P\.match has no condition/],
    [[{}], /^projects\.P\.match has no condition/],
  ]
  for (const [match, message] of refused) {
    t.throws(() => new ProjectChoice(matching({ P: match })), {
      code: 'E_CONFIG',
      exitCode: 78,
      message,
    })
  }
})

const all = { projects: 'all', default: 'default' } as const
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

async function take(intake: Intake, bytes: Buffer, more: Partial<Taken> = {}) {
  const part = await intake.begin()
  writeFileSync(part.fd, bytes)
  const record = await intake.take(part, { sha256: sha256(bytes), size: bytes.length, ...more })
  return [record, ...furtherOf(record)]
}

const short = ({ project, duplicate, conflict }: InstanceRecord) =>
  `${project ?? ''}${duplicate === true ? ' again' : ''}${conflict === true ? ' beside' : ''}`

t.test('all: stored once, with a name and a record in each project', async (t) => {
  const dataDir = t.testdir()
  const intake = new Intake({ dataDir, projects: three, choice: all })
  const records = await take(intake, image)
  t.same(records.map(short), ['SITE', 'CT'])
  for (const record of records) {
    const { path, project = '' } = record
    t.same(parseRecord(record), record)
    t.ok(path.startsWith(join(dataDir, project, 'archive/')), path)
    t.match(record, { size: image.length, sha256: sha256(image) })
    t.same(readFileSync(path), image)
  }
  const [one, other] = records.map(({ path }) => statSync(path))
  t.equal(one?.ino, other?.ino, 'two names of one file')
  t.equal(one?.nlink, 2)
  t.same(partsIn(dataDir), [])

  t.same((await take(intake, image)).map(short), ['SITE again', 'CT again'])
  t.same((await take(intake, image, { project: 'GIVEN' })).map(short), ['GIVEN'])
})

t.test('all: a project that is new takes part when the object comes again', async (t) => {
  const dataDir = t.testdir()
  const before = matching({ SITE: { InstitutionName: 'Bergen' } })
  await take(new Intake({ dataDir, projects: before }), image)
  const intake = new Intake({ dataDir, projects: three, choice: all })
  const records = await take(intake, image)
  t.same(records.map(short), ['SITE again', 'CT'])
  t.equal(statSync(records[1]?.path ?? '').ino, statSync(records[0]?.path ?? '').ino)

  const later = matching({ ...matchesOf(three), LATE: { Modality: 'CT' } })
  const file = join(dataDir, 'a.dcm')
  writeFileSync(file, image)
  using dicom = DicomFile.open(file)
  const fd = openSync(file, 'r')
  const known = { path: file, size: image.length }
  const stored = await new Intake({ dataDir, projects: later, choice: all }).findStored(
    dicom,
    fd,
    known,
  )
  closeSync(fd)
  t.ok(stored)
  const found = stored === undefined ? [] : [stored, ...furtherOf(stored)]
  t.same(found.map(short), ['SITE again', 'CT again', 'LATE'], 'also where nothing is copied')
})

function matchesOf(projects: Projects): Record<string, Match> {
  return Object.fromEntries(Object.entries(projects).map(([name, { match = {} }]) => [name, match]))
}

t.test('all: other bytes under the same UID stay beside it, in each project', async (t) => {
  const dataDir = t.testdir()
  const onlyCt = matching({ CT: { Modality: '^CT$' } })
  const other = ctImage({ elements: [el(0x00100010, 'PN', 'OTHER')] })
  await take(new Intake({ dataDir, projects: onlyCt }), other)
  const intake = new Intake({ dataDir, projects: three, choice: all })
  const records = await take(intake, image)
  t.same(records.map(short), ['SITE', 'CT beside'])
  for (const { path } of records) t.same(readFileSync(path), image)
  t.equal(readdirSync(join(records[1]?.path ?? '', '..')).length, 2)
  t.same((await take(intake, image)).map(short), ['SITE again', 'CT again beside'])
})

t.test(
  'all: a planted link in one tree is not followed, and the sender keeps the object',
  async (t) => {
    const dataDir = t.testdir({ elsewhere: {} })
    mkdirSync(join(dataDir, 'CT'))
    symlinkSync(join(dataDir, 'elsewhere'), join(dataDir, 'CT', 'archive'))
    const intake = new Intake({ dataDir, projects: three, choice: all })
    await t.rejects(take(intake, image), { code: /^E_(ARCHIVE_WRITE|PATH_ESCAPE)$/ })
    t.same(readdirSync(join(dataDir, 'elsewhere')), [])
    t.same(partsIn(dataDir), [])
  },
)

t.test('a sink writes the record of each project, and no JSON can make one up', async (t) => {
  const dataDir = t.testdir()
  const intake = new Intake({ dataDir, projects: three, choice: all })
  const [record] = await take(intake, image)
  const written: object[] = []
  const sink = await openRecordSink({
    dataDir,
    emit: async (one) => {
      written.push(one)
    },
    sync: async () => undefined,
  })
  if (record === undefined) throw new Error('nothing was taken')
  await sink.put(record)
  await sink.put(JSON.parse(JSON.stringify(record)) as InstanceRecord)
  await sink.close()
  t.match(written, [{ project: 'SITE' }, { project: 'CT' }, { project: 'SITE' }])
  t.equal(written.length, 3)
})

t.test('what stays where it is has a record for each project, too', async (t) => {
  const intake = new Intake({ dataDir: t.testdir(), projects: three, choice: all })
  using file = DicomFile.fromBuffer(image)
  const record = intake.describe(file, { path: '/in/place.dcm', size: image.length })
  t.same(
    [record, ...furtherOf(record)].map(({ project, path }) => [project, path]),
    [
      ['SITE', '/in/place.dcm'],
      ['CT', '/in/place.dcm'],
    ],
  )
})
