import type { Logger } from 'pino'
import type { FionaError } from '../error/index.ts'
import type { RecordSink } from '../intake/index.ts'
import type { Entry, FileEntry } from './entry.ts'
import type { SkipReason } from './imported.ts'
import type { Importer } from './importer.ts'
import { InOrder } from './in-order.ts'
import { LeftOut } from './left-out.ts'
import type { Patience } from './patience.ts'
import { Teller } from './teller.ts'

export interface ImportRun {
  readonly entries: AsyncIterable<Entry>
  readonly importer: Importer
  readonly records: RecordSink
  readonly errors: RecordSink
  /** Files in flight: what is read, copied, synced or written at once. */
  readonly concurrency: number
  /** For a service: what to do when the disk is full. Without it that ends the import. */
  readonly patience?: Patience | undefined
  /** Told of each error record, beside the debug line that names its file. */
  readonly failed?: (error: FionaError) => void
  /**
   * Told what became of each file: of an imported one when its record is durable, of any other before its error is
   * told, so that the record can say where the file lies by then. Resolves to that place if it was moved there.
   */
  readonly settled?: (entry: FileEntry, fate: Fate) => Promise<string | undefined>
  /**
   * Told when everything before that place of a service's input has taken effect, in order; and whether what stands
   * there is the rest of a line that was told as too long.
   */
  readonly reached?: (place: number, isWithinLongLine: boolean) => void
  /** A service: it says after each folder what was left out of it, for it has no end. */
  readonly isService?: boolean
  /** After it no further member of a package is begun; whoever makes the entries ends them. */
  readonly signal?: AbortSignal
  readonly log: Logger
  /** Where it counts as it goes, for whoever looks. */
  readonly counts?: ImportCounts
}

/** `incomplete`: a package of which something is not in the archive; what, the errors and the log say. */
export type Fate = 'imported' | 'incomplete' | SkipReason | { readonly error: unknown }

export interface ImportCounts {
  /** Everything that was met: files, records, and what could not be read. */
  files: number
  objects: number
  /** Of the objects. */
  bytes: number
  errors: number
}

export interface ImportSummary {
  readonly objects: number
  readonly errors: number
}

/**
 * Records that pass, and errors, cost no copy and no descriptor, only their wait for the journal's next sync:
 * so many share one, in place of the few files that are in flight.
 */
const mostLinesInFlight = 1024

export function noCounts(): ImportCounts {
  return { files: 0, objects: 0, bytes: 0, errors: 0 }
}

/**
 * Everything that the entries bring, in their order, to the sinks.
 * @throws FionaError E_DISK_FULL, E_ARCHIVE_WRITE (the objects before it are stored and said), and whatever a sink
 *   rejects with
 */
export async function runImport(run: ImportRun): Promise<ImportSummary> {
  const { entries, log } = run
  const counts = run.counts ?? noCounts()
  const leftOut = new LeftOut(log)
  const teller = new Teller(run, counts, leftOut)
  /** Everything so far; once something of it fails, nothing behind it counts. */
  let told: Promise<void> = Promise.resolve()
  const fileWeight = Math.max(1, Math.floor(mostLinesInFlight / run.concurrency))
  const flow = new InOrder<() => Promise<void>>(fileWeight * run.concurrency, (deliver) => {
    const done = deliver()
    told = told.then(() => done)
    told.catch(() => undefined)
    return done
  })
  try {
    for await (const entry of entries) {
      if (entry.kind === 'lineEnd') {
        const { place, isWithinLongLine } = entry
        const reach = (): void => run.reached?.(place, isWithinLongLine)
        await flow.add(() => () => {
          told.then(reach, () => undefined)
          return Promise.resolve()
        })
        continue
      }
      if (entry.kind !== 'emptyFolder' && entry.kind !== 'folderEnd') counts.files++
      await flow.add(
        async () => {
          if (entry.kind !== 'file') return () => teller.deliverOther(entry)
          const outcome = await teller.import(entry)
          return () => teller.deliver(entry, outcome)
        },
        entry.kind === 'file' ? fileWeight : 1,
      )
    }
  } finally {
    // Also after a failure: what is in the middle of a copy must clean up behind itself.
    await flow.end()
  }
  await told
  // Who hears of each file's fate says himself what he did with it.
  if (run.settled === undefined) leftOut.tell()
  if (counts.files === 0 && run.isService !== true) log.info('nothing to import was found')
  return { objects: counts.objects, errors: counts.errors }
}
