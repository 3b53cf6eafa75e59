import type { Logger } from 'pino'
import { FionaError } from '../error/index.ts'
import type { RecordSink } from '../intake/index.ts'
import { errorRecord, type AnyRecord, type FionaRecord } from '../record/index.ts'
import type { Entry, FileEntry } from './entry.ts'
import { shownPath } from './file-path.ts'
import type { Importer } from './importer.ts'
import { InOrder } from './in-order.ts'
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
  /** Say after each folder what was left out of it, not once at the end: for a service, which has none. */
  readonly tellsEachFolder?: boolean
  readonly log: Logger
}

export interface ImportSummary {
  readonly objects: number
  readonly errors: number
}

type Outcome =
  | { readonly record: AnyRecord | FionaRecord; readonly removeSource?: () => Promise<void> }
  | { readonly error: unknown; readonly input: unknown }
  | { readonly skipped: 'directory' | 'notDicom' | 'linkedFolder' }
  | { readonly isFolderEnd: true }

/**
 * Everything that the entries bring, in their order, to the sinks.
 * @throws FionaError E_DISK_FULL, E_ARCHIVE_WRITE (the objects before it are stored and said), and whatever a sink
 *   rejects with
 */
export async function runImport(run: ImportRun): Promise<ImportSummary> {
  const { entries, importer, log } = run
  const counts = { objects: 0, errors: 0, notDicom: 0, directory: 0, linkedFolder: 0 }
  const wait = <Result>(work: () => Promise<Result>) => run.patience?.(work) ?? work()

  const deliver = async (outcome: Outcome): Promise<void> => {
    if ('skipped' in outcome) {
      counts[outcome.skipped]++
      return
    }
    if ('isFolderEnd' in outcome) {
      if (run.tellsEachFolder === true) tellWhatWasLeftOut(log, counts)
      return
    }
    if ('error' in outcome) {
      counts.errors++
      const { error, input } = outcome
      if (error instanceof FionaError) {
        log.debug({ code: error.code }, error.message)
        run.failed?.(error)
      } else log.error({ err: error }, 'internal error; the import goes on')
      await wait(() => run.errors.put(errorRecord('fiona-import', error, input)))
      return
    }
    const { record, removeSource } = outcome
    await wait(() => run.records.put(record))
    counts.objects++
    await removeSource?.().catch((error: unknown) => deliver({ error, input: record }))
  }

  const handle = async (entry: FileEntry): Promise<Outcome> => {
    try {
      const imported = await wait(() => importer.import(entry))
      if ('skipped' in imported)
        log.debug({ path: shownPath(entry.path) }, skipReasons[imported.skipped])
      return imported
    } catch (error) {
      if (canWait(error)) throw error
      return { error, input: shownPath(entry.link ?? entry.path) }
    }
  }

  const flow = new InOrder<Outcome>(run.concurrency, deliver)
  try {
    for await (const entry of entries) {
      await flow.add(() => (entry.kind === 'file' ? handle(entry) : outcomeOf(entry)))
    }
  } finally {
    // Also after a failure: what is in the middle of a copy must clean up behind itself.
    await flow.end()
  }
  tellWhatWasLeftOut(log, counts)
  return { objects: counts.objects, errors: counts.errors }
}

const skipReasons = {
  directory: 'a DICOMDIR is no object; its objects are imported by themselves',
  notDicom: 'not DICOM; left out',
} as const

function outcomeOf(entry: Exclude<Entry, FileEntry>): Outcome {
  if (entry.kind === 'linkedFolder') return { skipped: 'linkedFolder' }
  if (entry.kind === 'folderEnd') return { isFolderEnd: true }
  if (entry.kind === 'record') return { record: entry.record }
  return { error: entry.error, input: entry.input }
}

/** And begins to count anew. */
function tellWhatWasLeftOut(
  log: Logger,
  counts: { notDicom: number; linkedFolder: number; directory: number },
): void {
  const { notDicom: files, linkedFolder: links } = counts
  if (files > 0) {
    log.info(
      { files },
      'files in folders that are not DICOM were left out; --strict makes them errors',
    )
  }
  if (links > 0) {
    log.info({ links }, 'links to folders were not followed; name the folders to import them')
  }
  Object.assign(counts, { notDicom: 0, linkedFolder: 0, directory: 0 })
}
