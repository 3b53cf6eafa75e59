import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { ExitCode, FionaError } from '../error/index.ts'
import { faultPoint } from '../fault/index.ts'
import type { AnyRecord, DeidentifiedRecord, MarkRecord } from '../record/index.ts'
import {
  makeDirectories,
  removeDeadTemporaries,
  syncDirectory,
  writeFileAtomic,
} from '../storage/index.ts'

type Input = DeidentifiedRecord & AnyRecord

/** A delivery as it is kept: its input, where it goes, and how it ended. */
export interface Kept {
  /** Name and URL of the destination. */
  readonly destination: { readonly name: string; readonly url: string }
  readonly record: Input
  /** When it has ended: what was or is to be said. */
  readonly outcome?: readonly AnyRecord[]
}

/**
 * Deliveries from the moment their record was taken until the next in line is known to have what was
 * said about them. What is in here outlives the process, if anything does.
 */
export interface Waiting {
  readonly survivesTheProcess: boolean
  /** Taken, or ended: what is kept of a delivery is the last word. */
  keep(key: string, kept: Kept): Promise<void>
  /** It was said: written to stdout. */
  said(key: string): Promise<void>
  /** A mark that is about to pass. */
  mark(mark: MarkRecord): Promise<void>
  /** What a former process left. */
  left(): Promise<[key: string, kept: Kept][]>
}

/** The same for the same delivery, in every process. */
export function keyOf({ destination, record }: Pick<Kept, 'destination' | 'record'>): string {
  const { requestId, revision } = record
  return hash(
    'sha256',
    JSON.stringify([destination.name, destination.url, requestId, revision]),
  ).slice(0, 40)
}

/** By hand, without a data directory. */
export class ForgetfulWaiting implements Waiting {
  readonly survivesTheProcess = false
  async keep(): Promise<void> {}
  async said(): Promise<void> {}
  async mark(): Promise<void> {}
  async left(): Promise<[]> {
    return []
  }
}

/**
 * A file for each delivery. When its outcome was said it is not removed at once: in a stage what was
 * said has arrived when a mark that passed later is reported as committed, and until then a restart
 * says it again; by hand it has arrived when it was written.
 */
export class DurableWaiting implements Waiting {
  readonly survivesTheProcess = true
  readonly #directory: string
  readonly #arrivesBy: 'writing' | 'marks'
  readonly #sync: () => Promise<void>
  /** Said, and the first mark that passed since. */
  readonly #unconfirmed = new Map<string, number | undefined>()

  private constructor(
    directory: string,
    arrivesBy: 'writing' | 'marks',
    sync: () => Promise<void>,
  ) {
    this.#directory = directory
    this.#arrivesBy = arrivesBy
    this.#sync = sync
  }

  /** @param sync makes durable what was written to stdout, where it can be */
  static async open(
    directory: string,
    arrivesBy: 'writing' | 'marks',
    sync: () => Promise<void>,
  ): Promise<DurableWaiting> {
    await makeDirectories(directory)
    await removeDeadTemporaries(directory)
    return new DurableWaiting(directory, arrivesBy, sync)
  }

  async keep(key: string, kept: Kept): Promise<void> {
    // Whatever was said about it before, this was not.
    this.#unconfirmed.delete(key)
    await writeFileAtomic(this.#pathOf(key), `${JSON.stringify(kept)}\n`)
    faultPoint('waiting.kept')
  }

  async said(key: string): Promise<void> {
    if (this.#arrivesBy === 'marks') {
      this.#unconfirmed.set(key, undefined)
      return
    }
    await this.#sync()
    await this.#remove([key])
  }

  async mark({ seq, committed = -1 }: MarkRecord): Promise<void> {
    const arrived: string[] = []
    for (const [key, mark] of this.#unconfirmed) {
      if (mark === undefined) this.#unconfirmed.set(key, seq)
      else if (committed >= mark) arrived.push(key)
    }
    for (const key of arrived) this.#unconfirmed.delete(key)
    await this.#remove(arrived)
  }

  left(): Promise<[string, Kept][]> {
    return readWaiting(this.#directory)
  }

  async #remove(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return
    await Promise.all(keys.map((key) => rm(this.#pathOf(key), { force: true })))
    faultPoint('waiting.removed')
    await syncDirectory(this.#directory)
  }

  #pathOf(key: string): string {
    return join(this.#directory, `${key}.json`)
  }
}

/** What is kept in a directory; also while another process works there. */
export async function readWaiting(directory: string): Promise<[key: string, kept: Kept][]> {
  const found: [string, Kept][] = []
  for await (const one of eachWaiting(directory)) found.push(one)
  return found
}

/** The same, one after the other. */
export async function* eachWaiting(
  directory: string,
): AsyncGenerator<[key: string, kept: Kept], void, undefined> {
  let read = 0
  for (const name of (await readdir(directory)).sort()) {
    const key = /^([0-9a-f]{40})\.json$/.exec(name)?.[1]
    if (key === undefined) continue
    const path = join(directory, name)
    // There may be ten thousand of these small files, and turns through the thread pool take many times as long.
    const text = textIfThere(path)
    if (text !== undefined) yield [key, parseKept(text, path)]
    if (++read % 256 === 0) await setImmediate()
  }
}

/** @returns undefined where somebody has removed it meanwhile */
function textIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function parseKept(text: string, path: string): Kept {
  try {
    return JSON.parse(text) as Kept
  } catch (error) {
    throw new FionaError('E_STATE_FORMAT', `${path} is damaged`, {
      hint: 'remove it, and replay the record it was made from: the journal has it',
      exitCode: ExitCode.badInput,
      cause: error,
    })
  }
}
