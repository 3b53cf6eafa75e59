import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { ctImage, el } from '../fixtures/dicom-writer.ts'
import { missing, run } from '../fixtures/peers.ts'
import { withoutSqlite } from '../fixtures/sqlite.ts'
import { newDataDir, Scp } from '../tools/scp.ts'

process.env['NODE_OPTIONS'] = ''

const ofPatient = (PatientID: string, instanceNumber: number) =>
  ctImage({ studyUID: '2.25.7', instanceNumber, elements: [el(0x00100020, 'LO', PatientID)] })
const recordsIn = (stdout: string) =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AnyRecord)
const linesOf = (records: readonly object[]) =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('')
const ofType = (type: string, records: readonly AnyRecord[]) =>
  records.filter((record) => record.type === type)

/** A filter of the chain, run once; what it wrote, and said. */
async function filter(
  tool: string,
  args: readonly string[],
  records: readonly object[],
  config: string,
): Promise<{ readonly records: AnyRecord[]; readonly log: string }> {
  const env = { FIONA_CONFIG: config }
  const { stdout, stderr } = await run(tool, args, { input: linesOf(records), env })
  return { records: recordsIn(stdout), log: stderr }
}

function site(t: Parameters<typeof newDataDir>[0], settings: object) {
  const folder = newDataDir(t)
  const config = join(folder, 'fiona.json')
  const keyFile = join(folder, 'key')
  writeFileSync(keyFile, 'k'.repeat(32), { mode: 0o600 })
  const dataDir = join(folder, 'data')
  writeFileSync(config, JSON.stringify({ dataDir, ...settings }))
  const anon = ['--key-file', keyFile, '--out', join(folder, 'out')]
  return { folder, config, dataDir, anon }
}

t.test(
  'what two projects match is stored once, and each project goes its own way with it',
  { skip: missing('storescu') },
  async (t) => {
    const { folder, config, dataDir, anon } = site(t, {
      intake: { projects: 'all' },
      projects: {
        BY_DOOR: { match: { calledAET: '^BOTH$', address: '127.0.0.0/8' } },
        BY_PATIENT: { match: [{ PatientID: '^H-' }, { AccessionNumber: '^H' }] },
        OTHER: { match: { PatientID: '^X-' } },
      },
    })
    const file = join(folder, 'a.dcm')
    writeFileSync(file, ofPatient('H-1', 1))
    const scp = await Scp.start(t, { dataDir, config })
    const words = ['-aet', 'CT1', '-aec', 'BOTH', '127.0.0.1', String(scp.port), file]
    const sent = await run('storescu', words, { env: { TCP_NODELAY: '1' } })
    t.equal(sent.code, 0, sent.stderr)
    await scp.recorded(2)
    await scp.end('SIGTERM')

    const projects = ['BY_DOOR', 'BY_PATIENT']
    t.same(
      scp.records.map(({ project }) => project),
      projects,
    )
    const files = scp.records.map(({ path }) => statSync(path))
    t.same(
      files.map(({ ino, nlink }) => [ino, nlink]),
      [
        [files[0]?.ino, 2],
        [files[0]?.ino, 2],
      ],
    )

    const arrived = await filter('fiona-arrive', [], scp.records, config)
    const studies = ofType('study', arrived.records)
    t.match(studies, [
      { project: 'BY_DOOR', instances: 1, path: join(dataDir, 'BY_DOOR/archive/2.25.7') },
      { project: 'BY_PATIENT', instances: 1, path: join(dataDir, 'BY_PATIENT/archive/2.25.7') },
    ])
    await filter('fiona-organize', ['--data-dir', dataDir], arrived.records, config)
    for (const project of projects) {
      t.same(readdirSync(join(dataDir, project, 'participants')), ['H-1'], project)
    }
    const { records } = await filter('fiona-anon', anon, studies, config)
    const [one, other] = ofType('deidentified', records)
    t.match([one, other], [{ project: 'BY_DOOR' }, { project: 'BY_PATIENT' }])
    t.not(one?.['participant'], other?.['participant'], 'neither can be joined to the other')
  },
)

t.test(
  'two patients under one StudyInstanceUID are flagged everywhere, and nothing goes on',
  { skip: withoutSqlite },
  async (t) => {
    const { folder, config, dataDir, anon } = site(t, {})
    const files = ['P-1', 'P-2'].map((PatientID, at) => {
      const path = join(folder, `${PatientID}.dcm`)
      writeFileSync(path, ofPatient(PatientID, at + 1))
      return path
    })
    const env = { FIONA_CONFIG: config }
    t.equal((await run('fiona-import', ['--journal', 'received', ...files], { env })).code, 0)
    const received = await run('fiona-journal', ['cat', 'received'], { env })
    const { records, log } = await filter('fiona-arrive', [], recordsIn(received.stdout), config)
    const [study] = ofType('study', records)
    t.match(study, {
      instances: 2,
      warnings: [{ code: 'patient-conflict', where: '(0010,0020) PatientID' }],
      attributes: { conflicts: ['PatientID'] },
    })
    t.match(log, /"study":"2\.25\.7".*"code":"patient-conflict".*objects of several patients/)
    t.notMatch(log, /P-[12]/, 'nobody is named in a log')

    const held = await filter('fiona-anon', anon, [study ?? {}], config)
    t.match(ofType('held', held.records), [{ reasons: [{ code: 'patient-conflict' }] }])
    t.same(ofType('deidentified', held.records), [])

    const organized = { input: linesOf(records), env }
    t.equal((await run('fiona-journal', ['append', 'organized'], organized)).code, 0)
    t.equal((await run('fiona-index', ['--once', '--data-dir', dataDir], { env })).code, 0)
    const listed = await run('fiona-ls', ['studies', '--json'], { env })
    t.match(recordsIn(listed.stdout), [{ StudyInstanceUID: '2.25.7', conflicts: 'PatientID' }])
  },
)
