import type { Logger } from 'pino'
import { FionaError } from '../error/index.ts'
import type { RecordSink } from '../intake/index.ts'
import { errorRecord, type AnyRecord, type FionaRecord } from '../record/index.ts'
import type { Entry, FileEntry } from './entry.ts'
import { shownPath } from './file-path.ts'
import type { Imported, Part, SkipReason } from './imported.ts'
import type { Importer } from './importer.ts'
import { InOrder } from './in-order.ts'
import { LeftOut } from './left-out.ts'
import { canWait, type Patience } from './patience.ts'

export interface ImportRun {
  readonly entries: AsyncIterable<Entry>
  readonly importer: Importer
  readonly records: RecordSink
  readonly errors: RecordSink
  /** Objects in flight: what is read, copied, synced or written at once. */
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
  /** A service: it says after each folder what was left out of it, for it has no end. */
  readonly isService?: boolean
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

export function noCounts(): ImportCounts {
  return { files: 0, objects: 0, bytes: 0, errors: 0 }
}

type Outcome =
  | { readonly record: AnyRecord | FionaRecord; readonly removeSource?: () => Promise<void> }
  | { readonly error: unknown; readonly input: unknown }
  | { readonly skipped: SkipReason | 'linkedFolder' }
type Several = Extract<Imported, { parts: unknown }>

/** Parts of one package in flight: packages beside it have theirs. */
const partsAtOnce = 4

/**
 * Everything that the entries bring, in their order, to the sinks.
 * @throws FionaError E_DISK_FULL, E_ARCHIVE_WRITE (the objects before it are stored and said), and whatever a sink
 *   rejects with
 */
export async function runImport(run: ImportRun): Promise<ImportSummary> {
  const { entries, importer, log } = run
  const counts = run.counts ?? noCounts()
  const leftOut = new LeftOut(log)
  const wait = <Result>(work: () => Promise<Result>) => run.patience?.(work) ?? work()

  const tell = async (outcome: Outcome): Promise<void> => {
    if ('skipped' in outcome) {
      leftOut.count(outcome.skipped)
    } else if ('error' in outcome) {
      counts.errors++
      const { error, input } = outcome
      if (error instanceof FionaError) {
        log.debug({ code: error.code }, error.message)
        run.failed?.(error)
      } else log.error({ err: error }, 'internal error; the import goes on')
      await wait(() => run.errors.put(errorRecord('fiona-import', error, input)))
    } else {
      const { record, removeSource } = outcome
      await wait(() => run.records.put(record))
      counts.objects++
      if (record.type === 'instance' && typeof record['size'] === 'number') {
        counts.bytes += record['size']
      }
      await removeSource?.().catch((error: unknown) => tell({ error, input: record }))
    }
  }

  const trying = async (part: Part): Promise<Outcome> => {
    try {
      return await part.import()
    } catch (error) {
      if (canWait(error)) throw error
      return { error, input: part.input }
    }
  }

  /** @returns whether nothing of it was left out */
  const tellParts = async (entry: FileEntry, { parts, removeSource }: Several) => {
    let isComplete = true
    const flow = new InOrder<Outcome>(partsAtOnce, async (outcome) => {
      const isLeftOut =
        'error' in outcome || ('skipped' in outcome && outcome.skipped !== 'directory')
      if (isLeftOut) isComplete = false
      await tell(outcome)
    })
    try {
      for await (const part of parts) await flow.add(() => trying(part))
    } catch (error) {
      // Rejects when it was a record that could not be told.
      await flow.end()
      if (canWait(error)) throw error
      isComplete = false
      await tell({ error, input: importer.inputOf(entry) })
    }
    await flow.end()
    if (isComplete) {
      await removeSource?.().catch((error: unknown) =>
        tell({ error, input: importer.inputOf(entry) }),
      )
    } else if (removeSource !== undefined) {
      log.info('a package was not removed: not all of it is in the archive')
    }
    return isComplete
  }

  const deliver = async (entry: FileEntry, outcome: Imported | Outcome): Promise<void> => {
    let fate: Fate = 'imported'
    if ('parts' in outcome) {
      let several: Imported | undefined = outcome
      await wait(async () => {
        // When the disk was full in its middle, it is read again from its beginning: what is stored is a duplicate.
        const now = several ?? (await importer.import(entry))
        several = undefined
        if (!('parts' in now)) await tell(now)
        else if (!(await tellParts(entry, now))) fate = 'incomplete'
      })
    } else if ('error' in outcome) {
      const place = await run.settled?.(entry, { error: outcome.error })
      const input =
        place === undefined ? outcome.input : importer.inputOf({ ...entry, path: place })
      await tell({ error: outcome.error, input })
      return
    } else await tell(outcome)
    if ('skipped' in outcome && outcome.skipped !== undefined) {
      fate = outcome.skipped === 'linkedFolder' ? 'imported' : outcome.skipped
    }
    await run.settled?.(entry, fate)
  }

  const handle = async (entry: FileEntry): Promise<Imported | Outcome> => {
    try {
      const imported = await wait(() => importer.import(entry))
      if ('skipped' in imported && imported.skipped !== undefined) {
        log.debug({ path: shownPath(entry.path) }, skipReasons[imported.skipped])
      }
      return imported
    } catch (error) {
      if (canWait(error)) throw error
      return { error, input: importer.inputOf(entry) }
    }
  }

  const flow = new InOrder<() => Promise<void>>(run.concurrency, (told) => told())
  try {
    for await (const entry of entries) {
      await flow.add(async () => {
        if (entry.kind === 'folderEnd') {
          return async () => {
            if (run.isService === true) leftOut.tell()
          }
        }
        if (entry.kind !== 'emptyFolder') counts.files++
        if (entry.kind !== 'file') return async () => tellOther(entry, tell)
        const outcome = await handle(entry)
        return () => deliver(entry, outcome)
      })
    }
  } finally {
    // Also after a failure: what is in the middle of a copy must clean up behind itself.
    await flow.end()
  }
  // Who hears of each file's fate says himself what he did with it.
  if (run.settled === undefined) leftOut.tell()
  if (counts.files === 0 && run.isService !== true) log.info('nothing to import was found')
  return { objects: counts.objects, errors: counts.errors }
}

const skipReasons = {
  directory: 'a DICOMDIR is no object; its objects are imported by themselves',
  notDicom: 'not DICOM; left out',
} as const

async function tellOther(
  entry: Exclude<Entry, FileEntry>,
  tell: (outcome: Outcome) => Promise<void>,
): Promise<void> {
  if (entry.kind === 'linkedFolder') await tell({ skipped: 'linkedFolder' })
  if (entry.kind === 'record') await tell({ record: entry.record })
  if (entry.kind === 'trouble') await tell({ error: entry.error, input: entry.input })
}
