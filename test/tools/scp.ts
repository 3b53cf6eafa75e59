import { partsIn } from '../fixtures/incoming.ts'
import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import type { InstanceRecord } from '../../src/lib/record/index.ts'
import { start } from '../fixtures/peers.ts'

export interface LogLine {
  readonly msg: string
  readonly [field: string]: unknown
}

/** A running fiona-scp, or another door, on a free port, with a data directory of its own. */
export class Scp {
  readonly child: ChildProcess
  readonly dataDir: string
  readonly log: LogLine[] = []
  readonly records: InstanceRecord[] = []
  port = 0
  #changed: (() => void)[] = []

  private constructor(child: ChildProcess, dataDir: string) {
    this.child = child
    this.dataDir = dataDir
    const lines = (stream: NodeJS.ReadableStream | null, take: (line: string) => void): void => {
      if (stream === null) return
      createInterface({ input: stream }).on('line', (line) => {
        take(line)
        for (const changed of this.#changed.splice(0)) changed()
      })
    }
    lines(child.stderr, (line) => {
      if (line.startsWith('{')) this.log.push(JSON.parse(line) as LogLine)
    })
    lines(child.stdout, (line) => {
      this.records.push(JSON.parse(line) as InstanceRecord)
    })
  }

  static async start(
    t: Test,
    options: {
      readonly tool?: string
      readonly args?: readonly string[]
      readonly dataDir?: string
      /** FIONA_CONFIG. */
      readonly config?: string
      readonly env?: NodeJS.ProcessEnv
      /** Open files that it may have. */
      readonly descriptors?: number
    } = {},
  ): Promise<Scp> {
    const dataDir = options.dataDir ?? newDataDir(t)
    const args = ['--port', '0', '--data-dir', dataDir, ...(options.args ?? [])]
    const env = { FIONA_CONFIG: options.config ?? '', ...options.env }
    const tool = options.tool ?? 'fiona-scp'
    const limit = `ulimit -n ${String(options.descriptors)} && exec ${tool} "$@"`
    const child =
      options.descriptors === undefined
        ? start(tool, args, { env })
        : start('sh', ['-c', limit, 'sh', ...args], { env })
    t.teardown(() => child.kill('SIGKILL'))
    const scp = new Scp(child, dataDir)
    const line = await scp.logged('listening on port')
    scp.port = Number(line['port'])
    return scp
  }

  /** The first log line that begins so, now or later. */
  async logged(beginning: string): Promise<LogLine> {
    for (;;) {
      const found = this.log.find(({ msg }) => msg.startsWith(beginning))
      if (found !== undefined) return found
      await this.#change()
    }
  }

  async recorded(count: number): Promise<readonly InstanceRecord[]> {
    while (this.records.length < count) await this.#change()
    return this.records
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    const exit = once(this.child, 'close')
    this.child.kill(signal)
    const [code] = (await exit) as [number | null]
    return code
  }

  journal(name = 'received'): InstanceRecord[] {
    const directory = join(this.dataDir, 'journal', name)
    return readdirSync(directory)
      .filter((file) => file.endsWith('.ndjson'))
      .sort()
      .flatMap((file) => readFileSync(join(directory, file), 'utf8').split('\n'))
      .flatMap((line) => {
        try {
          return [JSON.parse(line) as InstanceRecord]
        } catch {
          // The end of what a killed writer wrote.
          return []
        }
      })
  }

  /** What lies in quarantine: the reasons, and how many objects. */
  quarantine(): { readonly codes: readonly string[]; readonly objects: number } {
    const directory = join(this.dataDir, 'quarantine')
    const files = readdirSync(directory)
    const codes = files
      .filter((file) => file.endsWith('.json'))
      .map(
        (file) =>
          (JSON.parse(readFileSync(join(directory, file), 'utf8')) as { code: string }).code,
      )
    return { codes, objects: files.filter((file) => file.endsWith('.dcm')).length }
  }

  incoming(): string[] {
    return partsIn(this.dataDir)
  }

  /** Nothing half-received lies about any more; what was abandoned is removed a little later. */
  async tidy(): Promise<void> {
    while (this.incoming().length > 0) await new Promise((resolve) => setTimeout(resolve, 2))
  }

  #change(): Promise<void> {
    if (this.child.exitCode !== null) throw new Error('fiona-scp has ended')
    return new Promise((resolve, reject) => {
      this.#changed.push(resolve)
      this.child.once('close', () => {
        reject(new Error(`fiona-scp has ended: ${JSON.stringify(this.log.at(-1))}`))
      })
    })
  }
}

export function newDataDir(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'fiona-scp-'))
  t.teardown(() => {
    rmSync(directory, { recursive: true, force: true })
  })
  return directory
}

/** The data set of a Part 10 file: what is behind the file meta information. */
export function dataSetOf(file: Buffer): Buffer {
  return file.subarray(144 + file.readUInt32LE(140))
}
