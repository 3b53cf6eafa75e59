import { lstatSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ExitCode, FionaError } from '../error/index.ts'
import { JournalWriter, journalSize, Lease, leasePath, prunedUpTo } from '../journal/index.ts'
import { ArchivedViews, walkArchives, type Archived, type ProjectViews } from '../organize/index.ts'
import type { InstanceRecord } from '../record/index.ts'
import { fileDigest, projectFolder } from '../storage/index.ts'
import { finding, type Finding } from './finding.ts'
import { placeOf, type Place } from './place.ts'
import { RecordedObjects } from './recorded-objects.ts'

export interface ReconcileOptions {
  readonly dataDir: string
  /** The directory of the journal that each object should have a record in. */
  readonly journal: string
  readonly project?: string | undefined
  /** These studies alone; all unless told. */
  readonly studies?: ReadonlySet<string> | undefined
  /** That there should be; the usual ones unless told. */
  readonly views?: ProjectViews | undefined
  /** Else nothing is changed. */
  readonly mends: boolean
  /** So long (ms) a record may follow its object, and the views the record: what is receiving now is at work. */
  readonly settleMs: number
  readonly signal: AbortSignal
  readonly found: (finding: Finding) => Promise<void>
  /** Told of each object that cannot be judged, or mended, and why. */
  readonly failed: (path: string, error: FionaError) => Promise<void>
  /** Where it counts as it goes, for whoever looks. */
  readonly counts: ReconcileCounts
  /** Of the journal: more are read in several passes, each for some of the studies. */
  readonly bytesAPass?: number
}

export interface ReconcileCounts {
  /** Of the archive. */
  objects: number
  /** Of these, without a record because the journal was pruned. */
  pruned: number
  unrecorded: number
  unseen: number
  gone: number
  foreign: number
  errors: number
}

/** As many records as make a table of 64 MB. */
const usualBytesAPass = 1 << 30
/** Longer than any clock is wrong, or any disk keeps a record waiting: what is there so long is not being received. */
const longThereMs = 3_600_000
/** Judged together: the journal is read on once for them, and their records share a sync. */
const atOnce = 128
/** Objects that wait to settle; when there are more, they are waited for. */
const mostYoung = 20_000
/** Objects between two looks at timers and signals: all looks are synchronous. */
const looksATurn = 64

export function nothingFound(): ReconcileCounts {
  return { objects: 0, pruned: 0, unrecorded: 0, unseen: 0, gone: 0, foreign: 0, errors: 0 }
}

/**
 * Tells what is in the archive and not in the journal, or not in the views; and, when it mends, appends the missing records
 * and makes the missing links. Killed in the middle and run again, it goes on: what was appended has its record.
 * @throws FionaError E_FILE_MISSING without an archive, E_LEASE_HELD when another process mends, E_DISK_FULL and E_ARCHIVE_WRITE
 *   when views cannot be written; what the journal rejects with
 */
export async function reconcile(options: ReconcileOptions): Promise<void> {
  const { journal, mends, signal } = options
  const lease = mends ? await leaseOf(journal, signal) : undefined
  try {
    await lease?.forgetPredecessors()
    const writer = mends ? await JournalWriter.open(journal, { writer: 'fiona-import' }) : undefined
    const { bytes } = await journalSize(journal, 0)
    const passes = Math.ceil(bytes / (options.bytesAPass ?? usualBytesAPass)) || 1
    const pruned = await prunedUpTo(journal)
    try {
      for (let pass = 0; pass < passes && !signal.aborted; pass++) {
        const isOfPass = (study: string): boolean => partOf(study, passes) === pass
        await new Pass(options, isOfPass, writer, pruned).run()
      }
    } finally {
      await writer?.close()
    }
  } finally {
    await lease?.release()
  }
}

function leaseOf(journal: string, signal: AbortSignal): Promise<Lease> {
  return Lease.acquire(leasePath(journal, 'reconcile'), {
    what: `mending of ${journal}`,
    hint: 'wait until the other has done it',
    waitMs: 0,
    signal,
  })
}

/** Some of the studies, all of their objects. */
class Pass {
  readonly #options: ReconcileOptions
  readonly #dataDir: string
  readonly #isWanted: (study: string) => boolean
  readonly #recorded: RecordedObjects
  readonly #views: ArchivedViews
  readonly #writer: JournalWriter | undefined
  readonly #prunedUpTo: number
  /** What looks wrong, to be judged. */
  #ready: Archived[] = []
  /** What looks wrong, and may be on its way. */
  #young: { readonly archived: Archived; readonly readyAt: number }[] = []

  constructor(
    options: ReconcileOptions,
    isOfPass: (study: string) => boolean,
    writer: JournalWriter | undefined,
    pruned: number | undefined,
  ) {
    const { journal, project, studies } = options
    this.#options = options
    this.#dataDir = resolve(options.dataDir)
    this.#isWanted = (study) => studies?.has(study) !== false && isOfPass(study)
    this.#recorded = new RecordedObjects(
      journal,
      (place) =>
        (project === undefined || place.project === project) && this.#isWanted(place.study),
    )
    this.#views = new ArchivedViews(this.#dataDir, options.views)
    this.#writer = writer
    this.#prunedUpTo = pruned ?? Number.NEGATIVE_INFINITY
  }

  async run(): Promise<void> {
    const { project, signal } = this.#options
    try {
      await this.#readOn()
      let looks = 0
      for (const archived of walkArchives(this.#dataDir, project, this.#isWanted)) {
        if (signal.aborted) return
        await this.#look(archived)
        if (++looks % looksATurn === 0) await new Promise((turned) => setImmediate(turned))
      }
      await this.#settleYoung()
      await this.#judgeReady()
    } finally {
      await this.#views.end()
    }
  }

  async #readOn(): Promise<void> {
    const { signal, counts, found } = this.#options
    await this.#recorded.readOn(signal, async (place, said) => {
      const path = join(this.#dataDir, place.below)
      if (isFile(path) || isFile(said)) return
      counts.gone++
      await found(finding('gone', place.project, path))
    })
  }

  async #look(archived: Archived): Promise<void> {
    const { counts, found, settleMs } = this.#options
    const { path, project, kind } = archived
    if (kind === 'foreign') {
      counts.foreign++
      await found(finding('foreign', project, path))
      return
    }
    counts.objects++
    if (this.#recorded.has(this.#placeOf(archived)) && this.#lookAt(archived)?.isSeen === true)
      return
    if (timesOf(path).changed < Date.now() - longThereMs) this.#ready.push(archived)
    else this.#young.push({ archived, readyAt: performance.now() + settleMs })
    if (this.#ready.length >= atOnce) await this.#judgeReady()
    if (this.#young.length >= mostYoung) await this.#settleYoung()
  }

  /** Waits until even the last of them has been there long enough. */
  async #settleYoung(): Promise<void> {
    const { signal } = this.#options
    const young = this.#young
    this.#young = []
    const waitMs = (young.at(-1)?.readyAt ?? 0) - performance.now()
    if (waitMs > 0) await delay(waitMs, undefined, { signal }).catch(() => undefined)
    for (const { archived } of young) {
      if (signal.aborted) return
      this.#ready.push(archived)
      if (this.#ready.length >= atOnce) await this.#judgeReady()
    }
  }

  /** By what the journal says now. */
  async #judgeReady(): Promise<void> {
    const { signal } = this.#options
    const batch = this.#ready
    this.#ready = []
    if (batch.length === 0) return
    await this.#readOn()
    const unrecorded: InstanceRecord[] = []
    for (const archived of batch) {
      if (signal.aborted) break
      try {
        const record = await this.#judge(archived)
        if (record !== undefined) unrecorded.push(record)
      } catch (error) {
        await this.#fail(archived.path, error)
      }
    }
    await this.#append(unrecorded)
  }

  /** @returns the record of an object that has none in the journal */
  async #judge(archived: Archived): Promise<InstanceRecord | undefined> {
    const { counts, found, mends } = this.#options
    const { path, project } = archived
    const { record, isSeen } = this.#views.look(archived)
    if (this.#recorded.has(this.#placeOf(archived))) {
      if (isSeen) return undefined
      if (mends) await this.#views.mend(record)
      counts.unseen++
      await found(finding('unseen', project, path, mends))
      return undefined
    }
    // All had read its record before that was pruned, and made of it what is seen.
    if (isSeen && timesOf(path).written <= this.#prunedUpTo) {
      counts.pruned++
      return undefined
    }
    return mends ? { ...record, sha256: await digestOf(path), duplicate: false } : record
  }

  /** All share a sync; told when they are durable. */
  async #append(records: readonly InstanceRecord[]): Promise<void> {
    const { counts, found } = this.#options
    const writer = this.#writer
    if (writer !== undefined) {
      await Promise.all(records.map((record) => writer.append({ ...record, reconciled: true })))
    }
    for (const { path, project = 'default' } of records) {
      const place = placeOf(path)
      if (place !== undefined) this.#recorded.add(place)
      counts.unrecorded++
      await found(finding('unrecorded', project, path, writer !== undefined))
    }
  }

  #lookAt(archived: Archived): ReturnType<ArchivedViews['look']> | undefined {
    try {
      return this.#views.look(archived)
    } catch (error) {
      // Told when it is judged.
      if (error instanceof FionaError) return undefined
      throw error
    }
  }

  async #fail(path: string, error: unknown): Promise<void> {
    const { counts, failed } = this.#options
    if (!(error instanceof FionaError) || endsAll.has(error.code)) throw error
    counts.errors++
    await failed(path, error)
  }

  #placeOf({ path, project }: Archived): Place {
    const place = placeOf(path)
    if (place !== undefined) return place
    throw new RangeError(`the walk found an object at no place of ${projectFolder(project)}`)
  }
}

/** Not of one object: nothing more can be written. */
const endsAll: ReadonlySet<string> = new Set(['E_DISK_FULL', 'E_ARCHIVE_WRITE'])

/** @throws FionaError E_FILE_READ */
async function digestOf(path: string): Promise<string> {
  try {
    return await fileDigest(path)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    throw new FionaError('E_FILE_READ', `${path} cannot be read to its end (${code})`, {
      hint: 'check the disk, then run it again',
      retryable: true,
      exitCode: ExitCode.io,
      cause: error,
    })
  }
}

function isFile(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true
  } catch (error) {
    // A file, or a loop of links, in the place of a directory.
    if (['ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return false
    throw error
  }
}

/** When it was written, and when it last got a name or another mode; of one that is gone, now. */
function timesOf(path: string): { readonly written: number; readonly changed: number } {
  const found = lstatSync(path, { throwIfNoEntry: false })
  const now = Date.now()
  return { written: found?.mtimeMs ?? now, changed: found?.ctimeMs ?? now }
}

/** Which of so many parts a study is in. FNV-1a, 32 bits. */
function partOf(study: string, parts: number): number {
  if (parts === 1) return 0
  let hash = 0x811c9dc5
  for (let at = 0; at < study.length; at++) {
    hash = Math.imul(hash ^ study.charCodeAt(at), 0x01000193) >>> 0
  }
  return hash % parts
}
