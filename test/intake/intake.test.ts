import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { partsIn } from '../fixtures/incoming.ts'
import { Intake, type IntakeOptions, type Taken } from '../../src/lib/intake/index.ts'
import { parseRecord } from '../../src/lib/record/index.ts'
import {
  CT_IMAGE_STORAGE,
  ctElements,
  ctImage,
  dataSetBytes,
  dicomFile,
  el,
  encapsulated,
  syntax,
} from '../fixtures/dicom-writer.ts'

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const open = (dataDir: string, options: Partial<IntakeOptions> = {}) =>
  new Intake({ dataDir, projects: {}, ...options })

async function take(intake: Intake, bytes: Buffer, more: Partial<Taken> = {}) {
  const part = await intake.begin()
  writeFileSync(part.fd, bytes)
  return intake.take(part, { sha256: sha256(bytes), size: bytes.length, ...more })
}
const filesIn = (path: string) => {
  try {
    return readdirSync(path).sort()
  } catch {
    return []
  }
}
/** Nothing half-written, nothing stored. */
const leftovers = (dataDir: string) => [...partsIn(dataDir), ...filesIn(join(dataDir, 'default'))]

t.test('the record of a stored object is complete, valid, and begins with its type', async (t) => {
  const dataDir = t.testdir()
  const bytes = ctImage({ sopUID: '2.25.7' })
  const source = { callingAET: 'CT1', calledAET: 'FIONA', address: '10.0.0.7', association: 'a-1' }
  const record = await take(open(dataDir), bytes, { source })
  t.same(parseRecord(record), record)
  t.equal(Object.keys(record)[0], 'type')
  const path = join(dataDir, 'default/archive/2.25.1001/2.25.1001.1/2.25.7.dcm')
  t.match(record, {
    v: 1,
    project: 'default',
    path,
    size: bytes.length,
    sha256: sha256(bytes),
    SOPClassUID: CT_IMAGE_STORAGE,
    SOPInstanceUID: '2.25.7',
    SeriesInstanceUID: '2.25.1001.1',
    StudyInstanceUID: '2.25.1001',
    TransferSyntaxUID: syntax.explicit,
    duplicate: false,
    source,
    attributes: { PatientID: 'EX-0001', Modality: 'CT', InstanceNumber: '1' },
  })
  t.notOk('conflict' in record)
  t.same(readFileSync(path), bytes)
})

t.test('of a duplicate the record tells of the file that was there first', async (t) => {
  const intake = open(t.testdir())
  const first = ctImage({ meta: [el(0x00020016, 'AE', 'FIRST')] })
  const again = ctImage({ meta: [el(0x00020016, 'AE', 'ANOTHER')] })
  await take(intake, first)
  const record = await take(intake, again)
  t.match(record, { duplicate: true, size: first.length, sha256: sha256(first) })
  t.equal(sha256(readFileSync(record.path)), record.sha256)
})

t.test('other bytes under the same UID are kept, and called a conflict', async (t) => {
  const intake = open(t.testdir())
  const first = await take(intake, ctImage({ sopUID: '2.25.7', instanceNumber: 1 }))
  const other = await take(intake, ctImage({ sopUID: '2.25.7', instanceNumber: 2 }))
  t.match(other, { duplicate: false, conflict: true })
  t.not(other.path, first.path)
})

const uid = (tag: number, value: string) => el(tag, 'UI', value)
const refusals: readonly [what: string, bytes: Buffer, code: string, more?: Partial<Taken>][] = [
  ['bytes that are no DICOM', Buffer.from('GET / HTTP/1.1\r\n\r\n'.repeat(20)), 'E_DICOM_PARSE'],
  ['nothing at all', Buffer.alloc(0), 'E_DICOM_PARSE'],
  ['pixel data cut short', ctImage().subarray(0, -1), 'E_DICOM_PARSE'],
  [
    'a compressed frame cut short',
    ctImage({
      transferSyntax: syntax.jpegBaseline,
      elements: [encapsulated([Buffer.alloc(64, 1)])],
    }).subarray(0, -20),
    'E_DICOM_PARSE',
  ],
  ['no StudyInstanceUID', ctImage({ without: [0x0020000d] }), 'E_UID_INVALID'],
  ['an empty SOPInstanceUID', ctImage({ elements: [uid(0x00080018, '')] }), 'E_UID_INVALID'],
  ['a UID that is a path', ctImage({ elements: [uid(0x0020000e, '../../etc')] }), 'E_UID_INVALID'],
  ['a UID that is ..', ctImage({ elements: [uid(0x0020000d, '..')] }), 'E_UID_INVALID'],
  ['two UIDs for one', ctImage({ elements: [uid(0x0020000d, '1.2\\1.3')] }), 'E_UID_INVALID'],
  [
    'a UID of 65 characters',
    ctImage({ elements: [uid(0x00080018, `1.${'2'.repeat(63)}`)] }),
    'E_UID_INVALID',
  ],
  [
    'another instance than the request says',
    ctImage({ sopUID: '2.25.7' }),
    'E_IDENTITY_MISMATCH',
    { expected: { SOPClassUID: CT_IMAGE_STORAGE, SOPInstanceUID: '2.25.8' } },
  ],
  [
    'another class than the request says',
    ctImage({ sopUID: '2.25.7' }),
    'E_IDENTITY_MISMATCH',
    { expected: { SOPClassUID: '1.2.840.10008.5.1.4.1.1.4', SOPInstanceUID: '2.25.7' } },
  ],
  ['fewer bytes than were received', ctImage(), 'E_SIZE_MISMATCH', { size: 1_000_000 }],
]
for (const [what, bytes, code, more] of refusals) {
  t.test(
    `${what}: refused with ${code}, and in quarantine with the reason beside it`,
    async (t) => {
      const dataDir = t.testdir()
      const source = { callingAET: 'CT1' }
      await t.rejects(take(open(dataDir), bytes, { ...more, source }), { name: 'FionaError', code })
      t.same(leftovers(dataDir), [])
      const [object = '', note = '', ...others] = filesIn(join(dataDir, 'quarantine'))
      t.same(others, [])
      t.same(readFileSync(join(dataDir, 'quarantine', object)), bytes)
      const said = JSON.parse(readFileSync(join(dataDir, 'quarantine', note), 'utf8')) as unknown
      t.match(said, { code, source, sha256: sha256(bytes) })
    },
  )
}

t.test('a bare data set gets a header, and its bytes stay as they are', async (t) => {
  for (const explicitVR of [true, false]) {
    const intake = open(t.testdir())
    const bytes = dataSetBytes(ctElements({ sopUID: '2.25.7' }), { explicitVR })
    const record = await take(intake, bytes)
    const stored = readFileSync(record.path)
    t.equal(stored.toString('latin1', 128, 132), 'DICM')
    t.same(stored.subarray(stored.length - bytes.length), bytes)
    t.match(record, { size: stored.length, sha256: sha256(stored) })
    t.equal(record.TransferSyntaxUID, explicitVR ? syntax.explicit : syntax.implicit)
    t.match(await take(intake, bytes), { duplicate: true, conflict: undefined })
  }
})

for (const [what, options] of [
  ['without preamble', { preamble: false }],
  ['without group length', { metaGroupLength: false }],
  ['with a wrong group length', { meta: [el(0x00020000, 'UL', 4)], metaGroupLength: false }],
] as const) {
  t.test(`a file ${what} is stored with a whole header and found again`, async (t) => {
    const intake = open(t.testdir())
    const bytes = dicomFile({ ...options, elements: ctElements(), sorted: true })
    const dataSet = dataSetBytes(ctElements())
    const record = await take(intake, bytes)
    const stored = readFileSync(record.path)
    t.equal(144 + stored.readUInt32LE(140), stored.length - dataSet.length)
    t.same(stored.subarray(-dataSet.length), dataSet)
    t.match(await take(intake, bytes), { duplicate: true, path: record.path })
  })
}

t.test(
  'a project is chosen by connection and header, the first in the file that fits',
  async (t) => {
    const projects: IntakeOptions['projects'] = {
      BOTH: { match: { calledAET: '^ABCD', Modality: '^MR$' }, destinations: [] },
      ABCD: { match: { calledAET: '^ABCD' }, destinations: [] },
      SITE: { match: { InstitutionName: 'Hospital' }, destinations: [] },
      LATER: { match: { calledAET: 'ABCD' }, destinations: [] },
      RESEARCH: { destinations: [] },
    }
    const intake = open(t.testdir(), { projects })
    const projectOf = async (bytes: Buffer, more: Partial<Taken>) =>
      (await take(intake, bytes, more)).project
    const away = [el(0x00080080, 'LO', 'Elsewhere')]
    const abcd = { source: { calledAET: 'ABCD_1' } }
    t.equal(await projectOf(ctImage(), abcd), 'ABCD')
    t.equal(await projectOf(ctImage({ elements: [el(0x00080060, 'CS', 'MR')] }), abcd), 'BOTH')
    t.equal(await projectOf(ctImage(), { source: { calledAET: 'XABCD' } }), 'SITE')
    t.equal(
      await projectOf(ctImage({ elements: away }), { source: { calledAET: 'XABCD' } }),
      'LATER',
    )
    t.equal(await projectOf(ctImage({ elements: away }), {}), 'default')
    t.equal(await projectOf(ctImage(), { project: 'GIVEN' }), 'GIVEN')
  },
)

t.test('SEC-05: a hostile project name does not leave the data directory', async (t) => {
  const dataDir = t.testdir()
  const record = await take(open(dataDir), ctImage(), { project: '../../x' })
  t.ok(record.path.startsWith(`${dataDir}/`))
})

t.test(
  'below the reserve of free space nothing new is taken, until there is space again',
  async (t) => {
    const dataDir = t.testdir()
    const full = open(dataDir, { reserveBytes: Number.MAX_SAFE_INTEGER })
    await t.rejects(full.begin(), { code: 'E_DISK_FULL', retryable: true, exitCode: 73 })
    t.same(filesIn(dataDir), [])
    t.match(await take(open(dataDir, { reserveBytes: 1 }), ctImage()), { type: 'instance' })
  },
)

t.test(
  'an archive that cannot be written is not the object’s fault: nothing is kept',
  async (t) => {
    const dataDir = t.testdir({ default: 'a file where the project tree should be' })
    await t.rejects(take(open(dataDir), ctImage()), { code: 'E_ARCHIVE_WRITE', retryable: true })
    t.same(partsIn(dataDir), [])
    t.same(filesIn(join(dataDir, 'quarantine')), [])
    rmSync(join(dataDir, 'default'))
  },
)

t.test('many at once, the same object among them, are all answered truly', async (t) => {
  const intake = open(t.testdir(), { durability: 'none' })
  const records = await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      take(intake, ctImage({ sopUID: `2.25.${String(n % 10)}` })),
    ),
  )
  t.equal(records.filter(({ duplicate }) => duplicate === false).length, 10)
  for (const record of records) t.equal(sha256(readFileSync(record.path)), record.sha256)
})
