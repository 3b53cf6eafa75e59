import { JournalWriter, locateJournal } from '../journal/index.ts'
import type { AnyRecord, FionaRecord } from '../record/index.ts'
import type { Syncs } from '../storage/index.ts'
import { furtherOf } from './further-projects.ts'

/** Where a door's records go. */
export interface RecordSink {
  /**
   * Resolves when the record is durable, in the order of the calls, and so are those of further projects that it
   * carries; rejected, they may be lost.
   */
  put(record: AnyRecord | FionaRecord): Promise<void>
  /** Waits for what was put. */
  close(): Promise<void>
}

export interface RecordSinkOptions {
  /** A journal's name, path or URL; stdout unless given. */
  readonly journal?: string | undefined
  readonly dataDir: string
  /** Of the tool's context. */
  readonly emit: (record: AnyRecord | FionaRecord) => Promise<void>
  readonly sync: () => Promise<void>
  /** Appears in the names of the journal's segments. */
  readonly writer?: string
  readonly durability?: 'fsync' | 'none'
  /** Of a journal: as for what else the same objects wait for. */
  readonly syncs?: Syncs
}

/**
 * A journal, or stdout: durable then means written, and synced where stdout is a file. In both, records that
 * are put while the disk is busy share one sync.
 */
export async function openRecordSink(options: RecordSinkOptions): Promise<RecordSink> {
  const sink = await sinkOfOne(options)
  return {
    put: async (record) => {
      const further = furtherOf(record)
      if (further.length === 0) return sink.put(record)
      await Promise.all([record, ...further].map((one) => sink.put(one)))
    },
    close: () => sink.close(),
  }
}

async function sinkOfOne(options: RecordSinkOptions): Promise<RecordSink> {
  const { journal, dataDir, writer, durability, syncs } = options
  if (journal === undefined) return new OutputSink(options)
  const appender = await JournalWriter.open(locateJournal(dataDir, journal), {
    ...(writer === undefined ? {} : { writer }),
    ...(durability === undefined ? {} : { durability }),
    syncs,
  })
  return { put: (record) => appender.append(record), close: () => appender.close() }
}

interface Waiting {
  readonly record: AnyRecord | FionaRecord
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

class OutputSink implements RecordSink {
  readonly #emit: RecordSinkOptions['emit']
  readonly #sync: () => Promise<void>
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined

  constructor({ emit, sync, durability }: RecordSinkOptions) {
    this.#emit = emit
    this.#sync = durability === 'none' ? async () => undefined : sync
  }

  put(record: AnyRecord | FionaRecord): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, resolve, reject })
      this.#running ??= this.#drain()
    })
  }

  async close(): Promise<void> {
    await this.#running
  }

  async #drain(): Promise<void> {
    // What is put in this turn of the event loop shares the first write.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      try {
        await Promise.all(batch.map(({ record }) => this.#emit(record)))
        await this.#sync()
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    // In the same turn as the look at the queue: who puts next must start this anew.
    this.#running = undefined
  }
}
