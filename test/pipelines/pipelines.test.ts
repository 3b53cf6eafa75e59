import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { ctImage } from '../fixtures/dicom-writer.ts'
import { binDir, freePort, missing, projectRoot, run, start } from '../fixtures/peers.ts'

const pipelines = join(projectRoot, 'pipelines')
const pipeline = (name: string) => join(pipelines, `${name}.sh`)
const hasTools = (...names: readonly string[]): string | false => {
  const built = readdirSync(binDir)
  const absent = names.filter((name) => !built.includes(name))
  return absent.length > 0 ? `${absent.join(', ')} not built` : missing('jq')
}
const ct = (object: number, study = '2.25.1001') =>
  ctImage({ sopUID: `${study}.1.${String(object)}`, studyUID: study, instanceNumber: object })
const linesOf = (text: string) => text.split('\n').filter((line) => line !== '')

function folder(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'fiona-pipelines-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}
function keyIn(root: string): string {
  const path = join(root, 'key')
  writeFileSync(path, randomBytes(32), { mode: 0o600 })
  return path
}

t.test(
  'shellcheck finds nothing, and each can be run',
  { skip: missing('shellcheck') },
  async (t) => {
    const scripts = readdirSync(pipelines).filter((name) => name.endsWith('.sh'))
    const { code, stdout } = await run(
      'shellcheck',
      scripts.map((name) => join(pipelines, name)),
    )
    t.equal(stdout, '')
    t.equal(code, 0)
    for (const name of scripts) t.equal(statSync(join(pipelines, name)).mode & 0o111, 0o111, name)
  },
)

t.test(
  'what-is-in-this-folder counts objects by type, and what is damaged',
  { skip: hasTools('fiona-import', 'fiona-classify') },
  async (t) => {
    const root = folder(t)
    for (const object of [1, 2, 3]) writeFileSync(join(root, `${String(object)}.dcm`), ct(object))
    const whole = await run(pipeline('what-is-in-this-folder'), [root])
    t.equal(whole.code, 0)
    t.match(whole.stdout, /^ +3 CT\tAxial 5 mm\tCT\+\S*\n$/)
    writeFileSync(join(root, '4.dcm'), ct(4).subarray(0, -1))
    const damaged = await run(pipeline('what-is-in-this-folder'), [root])
    t.equal(damaged.code, 1)
    t.match(damaged.stdout, / 3 CT[^]* 1 not read\tE_DICOM_PARSE/)
    t.equal((await run(pipeline('what-is-in-this-folder'), [])).code, 1)
  },
)

t.test(
  'deidentify-folder leaves a copy under the participant, without the patient',
  { skip: hasTools('fiona-import', 'fiona-arrive', 'fiona-anon') },
  async (t) => {
    const root = folder(t)
    mkdirSync(join(root, 'in'))
    for (const object of [1, 2]) writeFileSync(join(root, 'in', String(object)), ct(object))
    const args = [keyIn(root), 'S001', join(root, 'out'), join(root, 'in')]
    const { code, stdout, stderr } = await run(pipeline('deidentify-folder'), args, { cwd: root })
    t.equal(code, 0, stderr)
    const records = linesOf(stdout).map((line) => JSON.parse(line) as AnyRecord)
    t.match(
      records.filter(({ type }) => type === 'deidentified'),
      [{ participant: 'S001', instances: 2 }],
    )
    const copies = readdirSync(join(root, 'out/S001'), { recursive: true }).map(String)
    t.equal(copies.filter((name) => name.endsWith('.dcm')).length, 2)
    const left = await run('grep', ['-rlaE', 'Example\\^Patient|EX-0001', join(root, 'out')])
    t.equal(left.stdout, '')
    t.equal((await run(pipeline('deidentify-folder'), ['key'])).code, 64)
  },
)

t.test(
  'the chain by hand: received, imported, followed, classified again, asked about new rules, stopped',
  {
    skip:
      hasTools('fiona-scp', 'fiona-stage', 'fiona-journal', 'fiona-anon', 'fiona-send') ||
      missing('storescu'),
  },
  async (t) => {
    const root = folder(t)
    const port = await freePort()
    const config = {
      dataDir: join(root, 'data'),
      receiver: { port },
      arrival: { quietSeconds: 0.5 },
      deidentification: { keyFile: keyIn(root) },
      projects: { default: { destinations: ['out'] } },
      destinations: { out: { url: `file:${join(root, 'delivered')}` } },
    }
    writeFileSync(join(root, 'fiona.json'), JSON.stringify(config))
    const env = { FIONA_CONFIG: join(root, 'fiona.json') }
    const door = join(root, 'run/received.pipe')
    const chain = start(pipeline('standard-chain'), [door], { env })
    const ended = once(chain, 'close')
    let log = ''
    chain.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()))
    const until = async (isSo: () => boolean | Promise<boolean>) => {
      while (!(await isSo())) {
        if (chain.exitCode !== null) throw new Error(log)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
    t.teardown(() => chain.kill())
    const cat = async (journal: string, type: string) =>
      linesOf((await run('fiona-journal', ['cat', journal, '--type', type], { env })).stdout).map(
        (line) => JSON.parse(line) as AnyRecord,
      )
    await until(() => log.includes('listening on port') && log.includes('front door is open'))

    const received = join(root, 'received.dcm')
    writeFileSync(received, ct(1, '2.25.2001'))
    const sent = await run('storescu', ['-aec', 'FIONA', '127.0.0.1', String(port), received])
    t.equal(sent.code, 0, sent.stderr)
    await until(async () => (await cat('sent', 'transfer')).length === 1)

    mkdirSync(join(root, 'cd'))
    for (const object of [1, 2]) writeFileSync(join(root, 'cd', String(object)), ct(object))
    writeFileSync(join(root, 'cd/3'), ct(3).subarray(0, -1))
    const followed = await run(pipeline('import-and-follow'), [join(root, 'cd')], { env })
    t.equal(followed.code, 1, 'one could not be imported')
    t.match(followed.stdout, /^2\.25\.1001: 2 objects, CT\+/)
    t.match(followed.stderr, /not imported: .*cd\/3/)
    await until(async () => (await cat('sent', 'transfer')).length === 2)
    const again = await run(pipeline('import-and-follow'), [join(root, 'cd/1')], { env })
    t.match(again, { code: 0, stdout: '' })

    const before = (await cat('organized', 'instance')).length
    const study = join(root, 'data/default/archive/2.25.1001')
    t.equal((await run(pipeline('classify-again'), [door, study])).code, 0)
    await until(async () => (await cat('organized', 'instance')).length === before + 2)
    const noDoor = await run(pipeline('classify-again'), [join(root, 'nowhere'), study])
    t.equal(noDoor.code, 69)

    const rules = join(root, 'rules.json')
    const everything = { type: 'NEW', id: 'new', rules: [{ tag: ['Modality'], value: 'CT' }] }
    writeFileSync(rules, JSON.stringify([everything]))
    const replayed = await run(pipeline('replay-with-new-rules'), [rules], { env })
    t.equal(replayed.code, 0, replayed.stderr)
    const changes = linesOf(replayed.stdout).map((line) => JSON.parse(line) as AnyRecord)
    t.equal(changes.length, (await cat('organized', 'instance')).length)
    t.match(changes[0], { now: ['NEW'], path: /archive/ })

    chain.kill('SIGTERM')
    t.same(await ended, [0, null])
    t.equal((await run('storescu', ['127.0.0.1', String(port), received])).code === 0, false)
  },
)

t.test(
  'when one part of the chain ends, the others are stopped and the exit code tells',
  { skip: hasTools('fiona-scp', 'fiona-stage') },
  async (t) => {
    const root = folder(t)
    const config = { dataDir: join(root, 'data'), receiver: { port: await freePort() } }
    writeFileSync(join(root, 'fiona.json'), JSON.stringify(config))
    // A folder in the place of the front door ends that part at once.
    mkdirSync(join(root, 'door'))
    const { code, stderr } = await run(pipeline('standard-chain'), [join(root, 'door')], {
      env: { FIONA_CONFIG: join(root, 'fiona.json') },
    })
    t.equal(code, 1)
    t.match(stderr, /a part of the chain ended with 73/)
  },
)
