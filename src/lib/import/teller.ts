import type { Logger } from 'pino'
import { FionaError } from '../error/index.ts'
import { errorRecord, type AnyRecord, type FionaRecord } from '../record/index.ts'
import type { Entry, FileEntry } from './entry.ts'
import { shownPath } from './file-path.ts'
import { interrupted } from './file-trouble.ts'
import type { Imported, Part, SkipReason } from './imported.ts'
import { InOrder } from './in-order.ts'
import type { LeftOut } from './left-out.ts'
import { canWait } from './patience.ts'
import type { Fate, ImportCounts, ImportRun } from './run-import.ts'

interface Failed {
  readonly error: unknown
  readonly input: unknown
}
type Several = Extract<Imported, { parts: unknown }>
type Single = Exclude<Imported, Several> | Failed
type Told =
  Single | { readonly skipped: 'linkedFolder' } | { readonly record: AnyRecord | FionaRecord }

/** Parts of one package in flight: packages beside it have theirs. */
const partsAtOnce = 4

const skipReasons: Readonly<Record<SkipReason, string>> = {
  directory: 'a DICOMDIR is no object; its objects are imported by themselves',
  notDicom: 'not DICOM; left out',
}

/** Imports what an entry stands for, and makes of the outcome what belongs into sinks, counts and log. */
export class Teller {
  readonly #run: ImportRun
  readonly #log: Logger
  readonly #counts: ImportCounts
  readonly #leftOut: LeftOut

  constructor(run: ImportRun, counts: ImportCounts, leftOut: LeftOut) {
    this.#run = run
    this.#log = run.log
    this.#counts = counts
    this.#leftOut = leftOut
  }

  /** @throws FionaError E_DISK_FULL, E_ARCHIVE_WRITE: everything else is an outcome */
  async import(entry: FileEntry): Promise<Imported | Failed> {
    const { importer } = this.#run
    try {
      const imported = await this.#wait(() => importer.import(entry))
      if ('skipped' in imported && imported.skipped !== undefined) {
        this.#log.debug({ path: shownPath(entry.path) }, skipReasons[imported.skipped])
      }
      return imported
    } catch (error) {
      if (canWait(error)) throw error
      return { error, input: importer.inputOf(entry) }
    }
  }

  /** What became of a file: its records are put at once, in the order of the calls. */
  async deliver(entry: FileEntry, outcome: Imported | Failed): Promise<void> {
    const { settled, importer } = this.#run
    if ('error' in outcome) {
      const place = await settled?.(entry, { error: outcome.error })
      const moved = place === undefined ? undefined : importer.inputOf({ ...entry, path: place })
      await this.#tell({ error: outcome.error, input: moved ?? outcome.input })
    } else if ('parts' in outcome) {
      const fate = await this.#deliverParts(entry, outcome)
      await settled?.(entry, fate === 'imported' ? (outcome.skipped ?? fate) : fate)
    } else {
      await this.#tell(outcome)
      await settled?.(entry, 'skipped' in outcome ? outcome.skipped : 'imported')
    }
  }

  async deliverOther(entry: Exclude<Entry, FileEntry>): Promise<void> {
    if (entry.kind === 'linkedFolder') await this.#tell({ skipped: 'linkedFolder' })
    if (entry.kind === 'record') await this.#tell({ record: entry.record })
    if (entry.kind === 'trouble') await this.#tell({ error: entry.error, input: entry.input })
    if (entry.kind === 'folderEnd' && this.#run.isService === true) this.#leftOut.tell()
  }

  /** When the disk was full in its middle, it is read again from its beginning: what is stored is a duplicate. */
  async #deliverParts(entry: FileEntry, first: Several): Promise<Fate> {
    let several: Several | undefined = first
    return this.#wait(async () => {
      const now = several ?? (await this.#run.importer.import(entry))
      several = undefined
      if ('parts' in now) return this.#tellParts(entry, now)
      await this.#tell(now)
      return 'imported'
    })
  }

  async #tellParts(entry: FileEntry, { parts, removeSource }: Several): Promise<Fate> {
    const { importer, signal, settled } = this.#run
    const input = importer.inputOf(entry)
    let isComplete = true
    const flow = new InOrder<Single>(partsAtOnce, async (outcome) => {
      const isDirectory = 'skipped' in outcome && outcome.skipped === 'directory'
      if (!('record' in outcome) && !isDirectory) isComplete = false
      await this.#tell(outcome)
    })
    let fate: Fate = 'imported'
    try {
      for await (const part of parts) {
        if (signal?.aborted === true) throw interrupted('a package')
        await flow.add(() => importPart(part))
      }
    } catch (error) {
      if (canWait(error)) {
        await flow.end()
        throw error
      }
      fate = error instanceof FionaError && error.retryable ? { error } : 'incomplete'
      // What stays where it is, to be taken later, is not lost.
      if (settled === undefined || fate === 'incomplete') await this.#tell({ error, input })
    }
    // Rejects when a record could not be told.
    await flow.end()
    if (fate !== 'imported') return fate
    if (!isComplete) {
      if (removeSource !== undefined) {
        this.#log.info('a package was not removed: not all of it is in the archive')
      }
      return 'incomplete'
    }
    await removeSource?.().catch((error: unknown) => this.#tell({ error, input }))
    return 'imported'
  }

  async #tell(outcome: Told): Promise<void> {
    const { records, errors, failed } = this.#run
    if ('skipped' in outcome) {
      this.#leftOut.count(outcome.skipped)
    } else if ('error' in outcome) {
      const { error, input } = outcome
      this.#counts.errors++
      if (error instanceof FionaError) {
        this.#log.debug({ code: error.code }, error.message)
        failed?.(error)
      } else this.#log.error({ err: error }, 'internal error; the import goes on')
      await this.#wait(() => errors.put(errorRecord('fiona-import', error, input)))
    } else {
      const { record } = outcome
      await this.#wait(() => records.put(record))
      this.#counts.objects++
      if ('size' in record && typeof record.size === 'number') this.#counts.bytes += record.size
      if (!('removeSource' in outcome)) return
      await outcome.removeSource?.().catch((error: unknown) => this.#tell({ error, input: record }))
    }
  }

  #wait<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#run.patience?.(work) ?? work()
  }
}

async function importPart(part: Part): Promise<Single> {
  try {
    return await part.import()
  } catch (error) {
    if (canWait(error)) throw error
    return { error, input: part.input }
  }
}
