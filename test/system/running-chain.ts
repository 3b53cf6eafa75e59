// `fiona up` as an administrator starts it, for tests that look at the whole.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { readJournal, journalPath } from '../../src/lib/journal/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { binDir, freePort } from '../fixtures/peers.ts'

/** Longer than a slow machine under load needs. */
const patienceMs = 90_000

export interface ChainOptions {
  readonly dataDir: string
  readonly port?: number
  readonly quietSeconds?: number
  readonly config?: string
}

export class RunningChain {
  readonly dataDir: string
  readonly port: number
  readonly child: ChildProcess
  stdout = ''
  stderr = ''

  private constructor(options: ChainOptions, port: number) {
    this.dataDir = options.dataDir
    this.port = port
    const args = ['up', '--data-dir', this.dataDir, '--port', String(port)]
    args.push('--quiet-seconds', String(options.quietSeconds ?? 2))
    if (options.config !== undefined) args.push('--config', options.config)
    this.child = spawn(`${binDir}/fiona`, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()))
    this.child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()))
  }

  /** Resolves when the receiver listens; the port may answer before that, while `fiona up` looks whether it is free. */
  static async start(options: ChainOptions): Promise<RunningChain> {
    const chain = new RunningChain(options, options.port ?? (await freePort()))
    const until = performance.now() + patienceMs
    while (!chain.stderr.includes(`listening on port ${String(chain.port)}`)) {
      if (chain.child.exitCode !== null || performance.now() > until) {
        throw new Error(`fiona up did not come up: ${chain.stdout}${chain.stderr}`)
      }
      await delay(50)
    }
    return chain
  }

  /** SIGTERM; resolves to the exit code. */
  async stop(): Promise<number | null> {
    if (this.child.exitCode !== null) return this.child.exitCode
    const closed = once(this.child, 'close') as Promise<[number | null]>
    this.child.kill('SIGTERM')
    return (await closed)[0]
  }

  async kill(): Promise<void> {
    const exited = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await exited
  }

  /** What it told of itself and its parts so far. */
  events(): Record<string, unknown>[] {
    const lines = this.stdout.split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  /** What a journal holds now. */
  async records(journal: string): Promise<AnyRecord[]> {
    const records: AnyRecord[] = []
    for await (const { lines } of readJournal(journalPath(this.dataDir, journal))) {
      for (const line of lines.toString().trimEnd().split('\n')) {
        records.push(JSON.parse(line) as AnyRecord)
      }
    }
    return records
  }

  /** The journal's records as soon as they are as wanted. */
  async until(journal: string, wanted: (records: AnyRecord[]) => boolean): Promise<AnyRecord[]> {
    const until = performance.now() + patienceMs
    for (;;) {
      const records = await this.records(journal)
      if (wanted(records)) return records
      if (performance.now() > until) {
        const errors = JSON.stringify(await this.records('errors'))
        throw new Error(
          `${journal} has ${String(records.length)} records, not what was wanted\n${errors}\n${this.stderr}`,
        )
      }
      await delay(100)
    }
  }
}
