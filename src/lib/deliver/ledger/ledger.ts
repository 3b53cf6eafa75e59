import type { FionaError } from '../../error/index.ts'
import type { AnyRecord, DeidentifiedRecord, TransferRecord } from '../../record/index.ts'
import type { Destination } from '../destination.ts'
import type { StudyFile } from '../list-objects.ts'
import { type Delivered, type Refused, apply } from './entries.ts'

/** What one destination has of one request. */
export interface Ledger {
  /** The last delivery of the file of that name. */
  find(name: string): Delivered | undefined
  /** Survives the death of the process when this returns; that of the machine after `sync`. */
  add(delivered: Delivered): void
  /** The destination has taken responsibility for what was delivered last. */
  commit(name: string, time: string): void
  /** The destination turned out not to have it. */
  withdraw(name: string): void
  /** It was not taken; written when that is something else than the last time. */
  refuse(name: string, error: Refused['refused'], time: string): void
  sync(): Promise<void>
  close(): Promise<void>
}

/** A delivery that is over, delivered or not. */
export interface EndOfDelivery {
  readonly destination: Pick<Destination, 'name' | 'url' | 'verify'>
  readonly record: DeidentifiedRecord & AnyRecord
  /** What is said about it. */
  readonly transfer: TransferRecord & AnyRecord
  /** Why something is missing, or not verified. */
  readonly error: FionaError | undefined
}

/** Where ledgers are kept. */
export interface Ledgers {
  open(destinationUrl: string, requestId: string): Promise<Ledger>
  /** How a delivery ended is kept beside its objects, for whoever asks; on stable storage when this returns. */
  ended(end: EndOfDelivery): Promise<void>
}

/** The very file that was delivered, as far as can be told without reading it. */
export function isUntouched(file: StudyFile, delivered: Delivered | undefined): boolean {
  return delivered?.size === file.size && delivered.mtimeMs === file.mtimeMs
}

/** Requests whose ledgers are kept in memory, by hand: the latest. */
const mostInMemory = 1000

/** By hand: while the process lives. */
export class MemoryLedgers implements Ledgers {
  readonly #ledgers = new Map<string, Map<string, Delivered>>()

  async open(destinationUrl: string, requestId: string): Promise<Ledger> {
    const key = `${destinationUrl} ${requestId}`
    const entries = this.#ledgers.get(key) ?? new Map<string, Delivered>()
    this.#ledgers.delete(key)
    this.#ledgers.set(key, entries)
    const [oldest] = this.#ledgers.keys()
    if (this.#ledgers.size > mostInMemory && oldest !== undefined) this.#ledgers.delete(oldest)
    return {
      find: (name) => entries.get(name),
      add: (delivered) => void entries.set(delivered.name, delivered),
      commit: (name, committed) => {
        apply({ name, committed }, entries)
      },
      withdraw: (name) => void entries.delete(name),
      // For persons who ask, and nobody can ask this process.
      refuse: () => undefined,
      sync: () => Promise.resolve(),
      close: () => Promise.resolve(),
    }
  }

  ended(): Promise<void> {
    return Promise.resolve()
  }
}
