// The command lines that the documentation promises, as they stand there.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import journalTool from '../../src/tools/fiona-journal.ts'
import { ctImage } from '../fixtures/dicom-writer.ts'
import { binDir, freePort, missing, run } from '../fixtures/peers.ts'
import { makeObjects, sendFolders } from './objects.ts'

const rules = JSON.stringify([
  { type: 'SCAN', rules: [{ tag: ['Modality'], value: '^CT$' }] },
  { type: 'AXIAL', rules: [{ tag: ['0x08', '0x08'], operator: 'contains', value: 'AXIAL' }] },
])

t.test('import | classify | jq tells what is in a folder', { skip: missing('jq') }, async (t) => {
  const cwd = t.testdir({ 'classifyRules.json': rules })
  makeObjects(join(cwd, 'study'), 1, 3)
  const { code, stdout, stderr } = await shell(
    cwd,
    'fiona-import --in-place study/ | fiona-classify --rules classifyRules.json | jq -c .ClassifyType',
  )
  t.equal(code, 0, stderr)
  t.equal(stdout, '["SCAN","AXIAL"]\n'.repeat(3))
  t.notOk(existsSync(join(cwd, 'var')), 'nothing was written')
})

t.test(
  'import | arrive | anon | send brings a study into a PACS',
  { skip: missing('Orthanc', 'jq') },
  async (t) => {
    const cwd = t.testdir()
    makeObjects(join(cwd, 'study'), 1, 5)
    writeFileSync(join(cwd, 'k'), Buffer.alloc(32, 7), { mode: 0o600 })
    const orthanc = await startOrthanc(join(cwd, 'orthanc'))
    t.teardown(() => orthanc.stop())
    const { code, stdout, stderr } = await shell(
      cwd,
      `fiona-import --in-place study/ | fiona-arrive | fiona-anon --key-file k --participant S001 --out out | fiona-send --destination dicom://ORTHANC@127.0.0.1:${String(orthanc.dicomPort)}`,
    )
    t.equal(code, 0, stderr)
    t.match(lastRecord(stdout), {
      type: 'transfer',
      status: 'sent',
      instances: { sent: 5, failed: 0 },
    })
    const [patient] = (await orthanc.get('/patients?expand')) as {
      MainDicomTags: { PatientID: string; PatientName: string }
    }[]
    t.match(patient?.MainDicomTags, { PatientID: 'S001', PatientName: 'S001' })
    t.equal(((await orthanc.get('/instances')) as unknown[]).length, 5)
  },
)

t.test('import | arrive | anon holds two objects under one UID, and no copy of one', async (t) => {
  const image = (instanceNumber: number) => ctImage({ sopUID: '2.25.30011', instanceNumber })
  const cwd = t.testdir({
    copies: { a: image(1), b: image(1) },
    others: { a: image(1), b: image(2) },
  })
  writeFileSync(join(cwd, 'k'), Buffer.alloc(32, 7), { mode: 0o600 })
  const line = (folder: string) =>
    `fiona-import --in-place ${folder} | fiona-arrive | fiona-anon --key-file k --participant S001 --out out`
  const copies = await shell(cwd, line('copies'))
  t.equal(copies.code, 0, copies.stderr)
  t.match(lastRecord(copies.stdout), { type: 'deidentified', instances: 1 })
  const others = await shell(cwd, line('others'))
  t.equal(others.code, 0, others.stderr)
  t.match(lastRecord(others.stdout), { type: 'held', reasons: [{ code: 'same-uid-twice' }] })
})

t.test(
  'scp | arrive | classify | organize makes a chain of its own',
  { skip: missing('dcmsend', 'pkill') },
  async (t) => {
    const cwd = t.testdir({ 'r.json': rules })
    const port = await freePort()
    const pipeline = spawn(
      'bash',
      [
        '-c',
        `set -o pipefail; fiona-scp --port ${String(port)} --data-dir var | fiona-arrive --quiet-seconds 1 | fiona-classify --rules r.json | fiona-organize --data-dir var >> seen.ndjson`,
      ],
      {
        cwd,
        env: { ...process.env, PATH: `${binDir}:${process.env['PATH'] ?? ''}` },
        detached: true,
      },
    )
    t.teardown(() => {
      if (pipeline.exitCode === null && pipeline.pid !== undefined)
        process.kill(-pipeline.pid, 'SIGKILL')
    })
    let stderr = ''
    pipeline.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    await until(() => stderr.includes(String(port)), 'the receiver says its port')
    makeObjects(join(cwd, 'in'), 2, 10)
    await sendFolders(join(cwd, 'in'), port)
    await until(() => seen(cwd).filter(({ type }) => type === 'study').length === 2, 'two studies')
    const closed = once(pipeline, 'close') as Promise<[number | null]>
    // The receiver alone is told to stop; the others follow as their input ends.
    await run('pkill', ['-TERM', '-g', String(pipeline.pid), '-f', 'bin/fiona-scp'])
    t.equal((await closed)[0], 0, stderr)
    const records = seen(cwd)
    t.equal(records.filter(({ type }) => type === 'instance').length, 20)
    t.ok(records.every(({ ClassifyType }) => ClassifyType?.includes('SCAN')))
    t.ok(existsSync(join(cwd, 'var', 'default', 'participants', 'EX-0001')))
  },
)

t.test(
  'what failed is handed in again by the lines of the manual',
  { skip: missing('jq') },
  async (t) => {
    const cwd = t.testdir({ 'fiona.yaml': 'dataDir: .' })
    const env = { FIONA_CONFIG: join(cwd, 'fiona.yaml') }
    const failed = { type: 'instance', SOPInstanceUID: '1.2.3' }
    const code = 'E_DICOM_PARSE'
    const errors = [
      { stage: 'organize', journal: 'received', tool: 'fiona-organize', code, record: failed },
      { stage: 'organize', journal: 'received', tool: 'fiona-stage', code, record: 'no record' },
      { stage: 'organize', journal: 'received', tool: 'fiona-arrive', code, record: null },
      { stage: 'deliver', journal: 'outbox', tool: 'fiona-send', code: 'E_X', record: failed },
      { tool: 'fiona-import', code, record: '/media/cdrom/1.dcm' },
    ].map((error) => ({ type: 'error', time: '2026-11-25T01:02:03.000Z', ...error }))
    const input = errors.map((error) => `${JSON.stringify(error)}\n`).join('')
    await run('fiona-journal', ['append', 'errors'], { input, env })
    const first = '{"type":"instance","SOPInstanceUID":"1.2.2"}\n'
    await run('fiona-journal', ['append', 'received'], { input: first, env })
    const inJournal = async (name: string) =>
      (await run('fiona-journal', ['cat', name], { env })).stdout
    const [look, again] = (journalTool.examples ?? [])
      .map(([line]) => line)
      .filter((line) => line.includes('retry'))
    const dry = await shell(cwd, look ?? '', env)
    t.equal(dry.code, 0, dry.stderr)
    t.equal(await inJournal('errors'), input, 'a look changes nothing')
    // The second time there is nothing left to hand in: each error goes once.
    for (const time of ['first', 'second']) {
      const { code, stderr } = await shell(cwd, again ?? '', env)
      t.equal(code, 0, stderr)
      t.equal(await inJournal('received'), `${first}${JSON.stringify(failed)}\n`, time)
    }
    t.ok((await inJournal('errors')).startsWith(input), 'what was there stays')
  },
)

interface Seen {
  readonly type: string
  readonly ClassifyType?: readonly string[]
}
function seen(cwd: string): Seen[] {
  const path = join(cwd, 'seen.ndjson')
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Seen)
}

function lastRecord(stdout: string): unknown {
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}

function shell(cwd: string, line: string, env: NodeJS.ProcessEnv = {}) {
  return run('bash', ['-c', `set -o pipefail; ${line}`], { cwd, env })
}

async function until(isTrue: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 60_000
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`)
    await delay(50)
  }
}

async function startOrthanc(directory: string) {
  mkdirSync(directory)
  const [dicomPort, httpPort] = [await freePort(), await freePort()]
  const path = join(directory, 'orthanc.json')
  const settings = {
    Name: 'test',
    StorageDirectory: join(directory, 'storage'),
    IndexDirectory: join(directory, 'storage'),
    DicomAet: 'ORTHANC',
    DicomPort: dicomPort,
    HttpPort: httpPort,
    RemoteAccessAllowed: false,
    AuthenticationEnabled: false,
  }
  writeFileSync(path, JSON.stringify(settings))
  const child: ChildProcess = spawn('/usr/sbin/Orthanc', [path], { stdio: 'ignore' })
  const get = async (route: string): Promise<unknown> =>
    (await fetch(`http://127.0.0.1:${String(httpPort)}${route}`)).json()
  for (let attempt = 0; ; attempt++) {
    try {
      await get('/system')
      break
    } catch (error) {
      if (attempt === 300) throw error
      await delay(100)
    }
  }
  return {
    dicomPort,
    get,
    async stop(): Promise<void> {
      const closed = once(child, 'close')
      child.kill('SIGTERM')
      await closed
    },
  }
}
