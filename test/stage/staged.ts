// A data directory with journals, and the built fiona-stage running between them.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { JournalWriter, loadCursor, readJournal } from '../../src/lib/journal/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { binDir } from '../fixtures/peers.ts'
import { recordsOf } from '../journal/lines-of.ts'
import { processIds } from '../../src/lib/process/index.ts'

// tap's loaders are for the tests: the tools run as they do for everybody.
process.env['NODE_OPTIONS'] = ''

export const numbered = (from: number, to: number): AnyRecord[] =>
  Array.from({ length: to - from }, (_, n) => ({ type: 'test', n: from + n }))
export const numbersOf = (records: readonly AnyRecord[]) => records.map(({ n }) => n as number)

export class Site {
  readonly dataDir: string
  constructor(dataDir: string) {
    this.dataDir = dataDir
  }

  path(journal: string): string {
    return join(this.dataDir, 'journal', journal)
  }

  async append(journal: string, records: readonly AnyRecord[]): Promise<void> {
    await using writer = await JournalWriter.open(this.path(journal))
    const lines = records.map((record) => `${JSON.stringify(record)}\n`).join('')
    await writer.appendLines(Buffer.from(lines))
  }

  records(journal: string): Promise<AnyRecord[]> {
    return recordsOf(this.path(journal))
  }

  /** Resolves when a journal holds so many records, with all of them. */
  async until(journal: string, count: number): Promise<AnyRecord[]> {
    const found: AnyRecord[] = []
    for await (const { lines } of readJournal(this.path(journal), { follow: true })) {
      for (const line of lines.toString().split('\n').slice(0, -1)) {
        found.push(JSON.parse(line) as AnyRecord)
      }
      if (found.length >= count) break
    }
    return found
  }

  /** Resolves when the stage has committed everything that is in the journal. */
  async untilCommitted(journal: string, stage: string): Promise<void> {
    while (!(await this.#isCommitted(journal, stage))) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  async #isCommitted(journal: string, stage: string): Promise<boolean> {
    const saved = await loadCursor(this.path(journal), stage)
    return readdirSync(this.path(journal))
      .filter((name) => name.endsWith('.ndjson'))
      .every(
        (name) =>
          readFileSync(join(this.path(journal), name)).length === (saved?.cursor[name] ?? 0),
      )
  }

  stage(pipeline: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): RunningStage {
    return new RunningStage(
      [
        ...['--from', 'a', '--to', 'b', '--name', 's', '--data-dir', this.dataDir],
        ...args,
        '--',
        pipeline,
      ],
      env,
    )
  }

  /** `--once`, to its end. */
  once(pipeline: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
    return this.stage(pipeline, ['--once', ...args], env).ended
  }
}

export interface EndedStage {
  readonly code: number | null
  readonly stderr: string
}

export class RunningStage {
  readonly child: ChildProcess
  readonly ended: Promise<EndedStage>
  stderr = ''

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.child = spawn(join(binDir, 'fiona-stage'), args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, FIONA_CONFIG: '', ...env },
    })
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString()
      this.#said()
    })
    // `exit`, not `close`: what a killed stage leaves behind may hold stderr open a little longer.
    this.ended = once(this.child, 'exit').then(([code]) => ({
      code: code as number | null,
      stderr: this.stderr,
    }))
  }

  #said: () => void = () => undefined

  async untilSaid(text: string): Promise<void> {
    while (!this.stderr.includes(text)) {
      await new Promise<void>((resolve) => {
        this.#said = resolve
      })
    }
  }

  async kill(signal: NodeJS.Signals): Promise<EndedStage> {
    this.child.kill(signal)
    return this.ended
  }
}

/** The shells of the pipelines that a stage runs now: its children. */
export function pipelinesOf(pid: number | undefined): number[] {
  return processIds().flatMap((child) => {
    try {
      const stat = readFileSync(`/proc/${String(child)}/stat`, 'latin1')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return Number(fields[1]) === pid && fields[0] !== 'Z' ? [child] : []
    } catch {
      return []
    }
  })
}

export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return !/^\) Z/.test(stat.slice(stat.lastIndexOf(')')))
  } catch {
    return false
  }
}
