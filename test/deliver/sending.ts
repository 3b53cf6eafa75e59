// fiona-send as a process, and an Orthanc to send to.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { binDir, freePort, missing, run, start } from '../fixtures/peers.ts'
import { temporary } from './studies.ts'

export const lines = (records: readonly unknown[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('')

const quiet = { FIONA_CONFIG: '', FIONA_STAGE: '' }

export interface Sent {
  readonly code: number | null
  readonly records: readonly AnyRecord[]
  readonly stderr: string
}

/** The tool from the first record to its end. */
export async function send(
  args: readonly string[],
  records: readonly unknown[],
  env: NodeJS.ProcessEnv = {},
): Promise<Sent> {
  const input = lines(records)
  const done = await run('fiona-send', args, { input, env: { ...quiet, ...env } })
  const out = done.stdout.split('\n').filter((line) => line !== '')
  return {
    code: done.code,
    stderr: done.stderr,
    records: out.map((line) => JSON.parse(line) as AnyRecord),
  }
}

/** The tool while it runs. */
export class Sending {
  readonly child: ChildProcess
  readonly said: AnyRecord[] = []
  stderr = ''
  readonly #lines: AsyncIterator<string>
  readonly exit: Promise<number | null>

  /** @param uid who runs it, where that is another */
  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}, uid?: number) {
    this.child = spawn(join(binDir, 'fiona-send'), args, {
      ...(uid === undefined ? {} : { uid, gid: uid }),
      env: { ...process.env, ...quiet, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.child.stdin?.on('error', () => undefined)
    this.child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()))
    if (this.child.stdout === null) throw new Error('no stdout')
    this.#lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]()
    this.exit = once(this.child, 'exit').then(([code]) => code as number | null)
  }

  write(...records: readonly unknown[]): void {
    this.child.stdin?.write(lines(records))
  }

  async until(fits: (record: AnyRecord) => boolean): Promise<AnyRecord> {
    for (;;) {
      const next = await this.#lines.next()
      if (next.done === true) throw new Error(`fiona-send has ended: ${this.stderr}`)
      const record = JSON.parse(next.value) as AnyRecord
      this.said.push(record)
      if (fits(record)) return record
    }
  }

  kill(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal)
    return this.exit
  }
}

/** A configuration file with these contents; JSON is YAML. */
export function configuration(contents: unknown): string {
  const path = join(temporary(), 'fiona.yaml')
  writeFileSync(path, JSON.stringify(contents))
  return path
}

export function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

const dicomWebPlugin = '/usr/share/orthanc/plugins/libOrthancDicomWeb.so'
/** For `skip`: false when Orthanc has DICOMweb. */
export const missingDicomWeb = existsSync(dicomWebPlugin)
  ? missing('Orthanc')
  : 'orthanc-dicomweb not installed'

export class Orthanc {
  readonly dicomPort: number
  readonly #httpPort: number
  readonly #child: ChildProcess

  private constructor(dicomPort: number, httpPort: number, child: ChildProcess) {
    this.dicomPort = dicomPort
    this.#httpPort = httpPort
    this.#child = child
  }

  /** @param more of its settings */
  static async start(more: object = {}): Promise<Orthanc> {
    const directory = temporary()
    const [dicomPort, httpPort] = [await freePort(), await freePort()]
    const path = join(directory, 'orthanc.json')
    writeFileSync(
      path,
      JSON.stringify({
        StorageDirectory: join(directory, 'storage'),
        IndexDirectory: join(directory, 'storage'),
        DicomAet: 'ORTHANC',
        DicomPort: dicomPort,
        HttpPort: httpPort,
        RemoteAccessAllowed: true,
        AuthenticationEnabled: false,
        DicomAlwaysAllowEcho: true,
        DicomAlwaysAllowStore: true,
        DicomAlwaysAllowFind: true,
        DicomCheckCalledAet: true,
        UnknownSopClassAccepted: true,
        Plugins: existsSync(dicomWebPlugin) ? [dicomWebPlugin] : [],
        DicomWeb: { Enable: true, Root: '/dicom-web/' },
        ...more,
      }),
    )
    const child = start('/usr/sbin/Orthanc', [path])
    const orthanc = new Orthanc(dicomPort, httpPort, child)
    while (!(await orthanc.#isUp())) {
      if (child.exitCode !== null) throw new Error('Orthanc has ended')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return orthanc
  }

  /** The DICOMweb root. */
  get webUrl(): string {
    return `http://127.0.0.1:${String(this.#httpPort)}/dicom-web`
  }

  async #isUp(): Promise<boolean> {
    return fetch(`http://127.0.0.1:${String(this.#httpPort)}/system`).then(
      () => true,
      () => false,
    )
  }

  get url(): string {
    return `dicom://ORTHANC@127.0.0.1:${String(this.dicomPort)}`
  }

  /** @param user `name:password`, where it asks for one */
  async instances(user?: string): Promise<string[]> {
    return (await this.#get('/instances', user)) as string[]
  }

  async stop(): Promise<void> {
    this.#child.kill()
    if (this.#child.exitCode === null) await once(this.#child, 'exit')
  }

  async #get(path: string, user = ''): Promise<unknown> {
    const authorization = `Basic ${Buffer.from(user).toString('base64')}`
    const response = await fetch(`http://127.0.0.1:${String(this.#httpPort)}${path}`, {
      headers: user === '' ? {} : { authorization },
    })
    return response.status === 401 ? undefined : response.json()
  }
}
