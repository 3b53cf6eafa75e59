import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { ctImage } from '../fixtures/dicom-writer.ts'
import { zipFile } from '../fixtures/zip-writer.ts'
import { codes, env, journal, run, tool, until } from './import-site.ts'

const object = (n: number) => ctImage({ sopUID: `2.25.${String(n)}` })

class Watched {
  readonly root = mkdtempSync(join(tmpdir(), 'fiona-inbox-'))
  readonly inbox = join(this.root, 'inbox')
  args: readonly string[]
  child: ChildProcess | undefined

  constructor(t: Test, settleSeconds = 0.3) {
    mkdirSync(this.inbox)
    mkdirSync(join(this.root, 'data'))
    t.teardown(async () => {
      await this.stop('SIGKILL')
      rmSync(this.root, { recursive: true, force: true })
    })
    const settle = ['--settle-seconds', String(settleSeconds)]
    this.args = ['--data-dir', join(this.root, 'data'), '--watch', this.inbox, ...settle]
  }
  /** The same by the configuration alone. */
  configured(inbox: Record<string, unknown>): void {
    const path = join(this.root, 'fiona.yaml')
    const inboxes = [{ folder: this.inbox, ...inbox }]
    writeFileSync(path, JSON.stringify({ dataDir: join(this.root, 'data'), inboxes }))
    this.args = ['--config', path, '--watch', this.inbox]
  }
  async start(): Promise<void> {
    this.child = spawn(tool, [...this.args, '--journal', 'received'], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const { stderr } = this.child
    if (stderr === null) throw new Error('no stderr')
    const log: string[] = []
    for await (const line of createInterface({ input: stderr })) {
      log.push(line)
      if (line.includes('watching the inbox')) return void stderr.resume()
    }
    throw new Error(log.join('\n'))
  }
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<unknown> {
    if (this.child === undefined || this.child.exitCode !== null) return undefined
    const closed = once(this.child, 'close')
    this.child.kill(signal)
    this.child = undefined
    return closed
  }
  put(name: string, bytes: Buffer | string): string {
    const path = join(this.inbox, name)
    writeFileSync(path, bytes)
    return path
  }
  async records(name: string, count: number): Promise<AnyRecord[]> {
    let found: AnyRecord[] = []
    await until(async () => {
      found = await journal(this.root, name).catch(() => [])
      return found.length >= count
    })
    return found
  }
  /** What people see of it. */
  names(): string[] {
    return readdirSync(this.inbox).filter((name) => !name.startsWith('.'))
  }
  /** The notes beside what lies in the quarantine. */
  quarantined(): { path: string; message: string; bytes: Buffer }[] {
    const folder = join(this.root, 'data/quarantine')
    const notes = existsSync(folder)
      ? readdirSync(folder).filter((name) => name.endsWith('.json'))
      : []
    return notes.map((name) => ({
      ...(JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
        path: string
        message: string
      }),
      bytes: readFileSync(join(folder, name.replace(/json$/, 'dcm'))),
    }))
  }
}

t.test(
  'what is put into the inbox is taken and gone, also from folders and packages',
  async (t) => {
    const watched = new Watched(t)
    watched.put('before.dcm', object(1))
    await watched.start()
    watched.put('1.dcm', object(2))
    mkdirSync(join(watched.inbox, 'a/b'), { recursive: true })
    watched.put('a/b/2.dcm', object(3))
    watched.put('3.zip', zipFile([{ name: 'x', data: object(4) }]))
    const records = await watched.records('received', 4)
    t.same(records.map((record) => record['SOPInstanceUID']).sort(), [
      '2.25.1',
      '2.25.2',
      '2.25.3',
      '2.25.4',
    ])
    await until(
      () => watched.names().join() === 'a' && readdirSync(join(watched.inbox, 'a/b')).length === 0,
    )
    t.same(await watched.stop(), [0, null])
    t.equal((await watched.records('received', 4)).length, 4, 'nothing is taken twice')
    t.same(watched.quarantined(), [])
  },
)

t.test('what is hidden or unfinished by its name waits; renamed, it is whole', async (t) => {
  const watched = new Watched(t)
  await watched.start()
  const names = ['.hidden.dcm', 'x.dcm.part', 'y.tmp', 'z.filepart']
  names.forEach((name, n) => watched.put(name, object(n)))
  watched.put('marker.dcm', object(9))
  t.match(await watched.records('received', 1), [{ SOPInstanceUID: '2.25.9' }])
  await until(() => !watched.names().includes('marker.dcm'))
  t.same(watched.names(), names.slice(1))
  renameSync(join(watched.inbox, 'x.dcm.part'), join(watched.inbox, 'x.dcm'))
  t.match((await watched.records('received', 2))[1], { SOPInstanceUID: '2.25.1' })
  t.same(await watched.stop(), [0, null])
  t.equal((await watched.records('received', 2)).length, 2)
})

t.test('a file that is still being written is not taken before it is whole', async (t) => {
  const watched = new Watched(t, 3)
  await watched.start()
  const bytes = ctImage({ sopUID: '2.25.1', rows: 64, columns: 64 })
  const path = watched.put('slow.dcm', bytes.subarray(0, 900))
  // The time of the original, as `cp -p` and copying programs of other systems set it at once.
  for (let at = 900; at < bytes.length; at += 1000) {
    appendFileSync(path, bytes.subarray(at, at + 1000))
    utimesSync(path, 1e9, 1e9)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const [record] = await watched.records('received', 1)
  t.same(readFileSync(String(record?.['path'])), bytes)
  t.same(await watched.stop(), [0, null])
  t.same(codes(await watched.records('received', 1)), ['instance'])
})

t.test(
  'what is no DICOM, damaged or incomplete goes to the quarantine, byte for byte',
  async (t) => {
    const watched = new Watched(t)
    await watched.start()
    const damaged = object(1).subarray(0, -10)
    const half = zipFile([
      { name: '1', data: object(2) },
      { name: 'n.txt', data: Buffer.from('x') },
    ])
    watched.put('readme.txt', 'keep me')
    watched.put('damaged.dcm', damaged)
    watched.put('half.zip', half)
    await until(() => watched.quarantined().length === 3)
    await until(() => watched.names().length === 0)
    const kept = new Map(watched.quarantined().map(({ path, bytes }) => [path, bytes]))
    t.same(kept.get(join(watched.inbox, 'readme.txt')), Buffer.from('keep me'))
    t.same(kept.get(join(watched.inbox, 'damaged.dcm')), damaged)
    t.same(kept.get(join(watched.inbox, 'half.zip')), half)
    const [error] = await watched.records('errors', 1)
    const { path } = error?.['record'] as { path: string }
    t.match(error, { code: 'E_DICOM_PARSE' })
    t.same(readFileSync(path), damaged, 'the record says where it lies now')
    t.same(await watched.stop(), [0, null])
  },
)

t.test(
  'SEC-09: links, pipes and what cannot be moved stay, are told once, and block nothing',
  async (t) => {
    const watched = new Watched(t)
    await watched.start()
    writeFileSync(join(watched.root, 'secret.dcm'), object(7))
    symlinkSync('../secret.dcm', join(watched.inbox, 'link'))
    symlinkSync('..', join(watched.inbox, 'loop'))
    execFileSync('mkfifo', [join(watched.inbox, 'pipe')])
    t.same(codes(await watched.records('errors', 2)), ['E_FILE_TYPE', 'E_FILE_TYPE'])
    // Further looks at the folder, which find the same again.
    for (const n of [1, 2]) {
      watched.put(`${String(n)}.dcm`, object(n))
      await watched.records('received', n)
    }
    t.same(await watched.stop(), [0, null])
    t.equal((await watched.records('errors', 2)).length, 2)
    t.same(watched.names(), ['link', 'loop', 'pipe'])
    t.ok(existsSync(join(watched.root, 'secret.dcm')))
  },
)

t.test('REL-11: killed at any time and started again, it loses nothing', async (t) => {
  const watched = new Watched(t)
  const count = 60
  for (let n = 0; n < count; n++) watched.put(`${String(n)}.dcm`, object(n))
  for (const seen of [5, 20, 40]) {
    await watched.start()
    await watched.records('received', seen)
    await watched.stop('SIGKILL')
  }
  await watched.start()
  await until(() => watched.names().length === 0)
  t.same(await watched.stop(), [0, null])
  const records = await watched.records('received', count)
  const first = records.filter((record) => record['duplicate'] === false)
  t.equal(new Set(records.map((record) => record['SOPInstanceUID'])).size, count)
  // What was stored when the record was lost is told once more, as a duplicate; never as new.
  t.equal(new Set(first.map((record) => record['SOPInstanceUID'])).size, first.length)
})

t.test('one at a time takes from an inbox', async (t) => {
  const watched = new Watched(t)
  await watched.start()
  const second = await run(watched.args)
  t.equal(second.code, 75)
  t.match(second.stderr, /^error: an import from the inbox is already running/)
  t.same(await watched.stop(), [0, null])
})

t.test('an inbox must be a folder apart from the data directory', async (t) => {
  const root = t.testdir({ data: { inside: {} }, file: '' })
  const data = ['--data-dir', join(root, 'data')]
  for (const name of ['data/inside', '.', 'file', 'gone']) {
    const { code, stderr } = await run([...data, '--watch', join(root, name)])
    t.equal(code, 73, name)
    t.match(stderr, /^error: the inbox .*\nhint: /)
  }
})

t.test('what the configuration says of an inbox holds for whoever watches it', async (t) => {
  const watched = new Watched(t)
  watched.configured({ project: 'ABCD', settleSeconds: 0.3 })
  await watched.start()
  watched.put('one', object(1))
  t.match(await watched.records('received', 1), [{ project: 'ABCD' }])
})
