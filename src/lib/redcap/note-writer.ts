import type { Logger } from 'pino'
import { FionaError } from '../error/index.ts'
import type { KnownTables, RedcapProjects } from './known-tables.ts'
import type { NoteStore } from './note-store.ts'
import { OwnProjects } from './own-projects.ts'
import { longerPause, type pause } from './pace.ts'
import { asTrouble, type Troubles } from './troubles.ts'
import { writeNames } from './write-names.ts'
import { writeNotes } from './write-notes.ts'

export interface NoteWriterOptions {
  readonly store: NoteStore
  readonly redcap: RedcapProjects
  readonly own: OwnProjects
  readonly known: KnownTables
  /** By project, where its studies go (`projects.X.destinations`). */
  readonly destinationsOf: (project: string) => readonly string[]
  readonly troubles: Troubles
  readonly log: Pick<Logger, 'info' | 'warn'>
  readonly random: () => number
  readonly wait: typeof pause
  /** So long a note is kept that REDCap has, and that had no news. */
  readonly keepDays: number
  /** How things are has changed. */
  readonly saveState: () => Promise<void>
}

type Batch = readonly { readonly StudyInstanceUID: string; readonly changes: number }[]

/** So many studies are read and written together. */
const mostTogether = 25
/** What comes soon after is written with it. */
const gatherMs = 1000
/** Those that rest are looked at so often. */
const idleMs = 60_000
/** Whoever stops a tool waits for it. */
const mostClosingMs = 3000
/** A study that REDCap refuses is tried again: its project may have been mended. */
const refusedPauseMs = 60 * 60_000
/** Whoever has just started has other things to do. */
const firstPruneMs = 60 * 60_000
const dayMs = 86_400_000

/** Brings REDCap up to what is noted, what waits longest first; for as long as it does not answer, later each time. */
export class NoteWriter {
  readonly #options: NoteWriterOptions
  /** Monotonic: until when a refused study rests. */
  readonly #refused = new Map<string, { readonly until: number; readonly error: FionaError }>()
  /** Called when nothing waits, or what waits has to wait on. */
  readonly #whenWritten: (() => void)[] = []
  #wake: () => void = () => undefined
  /** Monotonic. */
  #pruneAt = performance.now() + firstPruneMs
  #written = 0
  #lastWrittenAt: string | undefined

  constructor(options: NoteWriterOptions) {
    this.#options = options
  }

  /** Studies that were written since the start, and when the last was (ISO 8601). */
  get written(): { readonly studies: number; readonly lastAt: string | undefined } {
    return { studies: this.#written, lastAt: this.#lastWrittenAt }
  }

  /** Studies that REDCap does not take as they are, and what it said of one of them. */
  get refused(): { readonly studies: number; readonly error: FionaError | undefined } {
    const [first] = this.#refused.values()
    return { studies: this.#refused.size, error: first?.error }
  }

  /** There is something new to write of these: what was refused is what they were before. */
  news(studies: Iterable<string>): void {
    for (const study of studies) this.#refused.delete(study)
    this.#wake()
  }

  /** Resolves when nothing waits any more, or cannot be written now. */
  settled(): Promise<void> {
    if (this.#options.troubles.has('write')) return Promise.resolve()
    return new Promise((resolve) => {
      this.#whenWritten.push(resolve)
      this.#wake()
    })
  }

  /** Until `signal`. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, troubles, random, saveState } = this.#options
    let failures = 0
    while (!signal.aborted) {
      const now = performance.now()
      const isDue = (uid: string): boolean => (this.#refused.get(uid)?.until ?? 0) <= now
      const batch = store.oldest(mostTogether, isDue)
      if (batch.length === 0) {
        this.#endWaiting()
        if (now >= this.#pruneAt) {
          await this.#prune(now, signal)
          // What came meanwhile woke nobody.
          continue
        }
        await this.#rest(idleMs, signal, true)
        await this.#rest(gatherMs, signal)
        continue
      }
      try {
        await this.#writeBatch(batch, signal)
        failures = 0
        troubles.set('write', undefined)
        this.#lastWrittenAt = new Date().toISOString()
      } catch (error) {
        if (signal.aborted) break
        failures++
        troubles.set('write', asTrouble(error))
        await saveState()
        this.#endWaiting()
        await this.#rest(longerPause(failures, random()), signal)
      }
      await saveState()
    }
    this.#endWaiting()
  }

  /** What came at the very end, where that is quick; else the next start does it. */
  async writeLast(): Promise<void> {
    const { store, troubles } = this.#options
    const signal = AbortSignal.timeout(mostClosingMs)
    try {
      while (troubles.first === undefined) {
        const batch = store.oldest(mostTogether, (uid) => !this.#refused.has(uid))
        if (batch.length === 0) break
        await this.#writeBatch(batch, signal)
      }
    } catch (error) {
      if (!signal.aborted) troubles.set('write', asTrouble(error))
    }
  }

  /** Once a day, when nothing waits. */
  async #prune(now: number, signal: AbortSignal): Promise<void> {
    this.#pruneAt = now + dayMs
    const { store, keepDays, log } = this.#options
    try {
      const notes = await store.prune(Date.now() - keepDays * dayMs, signal)
      if (notes > 0) log.info({ notes }, 'notes that REDCap has for long are removed')
    } catch (error) {
      log.warn({ err: error }, 'old notes for REDCap cannot be removed')
    }
  }

  #endWaiting(): void {
    for (const done of this.#whenWritten.splice(0)) done()
  }

  /** What REDCap refuses of several is found by trying each alone; it holds up no other. */
  async #writeBatch(batch: Batch, signal: AbortSignal): Promise<void> {
    try {
      await this.#writeTogether(batch, signal)
    } catch (error) {
      if (!(error instanceof FionaError) || error.code !== 'E_REDCAP_REFUSED') throw error
      const [only] = batch
      if (batch.length === 1 && only !== undefined) {
        this.#refuse(only.StudyInstanceUID, error)
        return
      }
      for (const one of batch) await this.#writeBatch([one], signal)
      // Not the studies, the project is wrong: asking for each of thousands would be of no use.
      if (batch.every(({ StudyInstanceUID }) => this.#refused.has(StudyInstanceUID))) throw error
    }
  }

  async #writeTogether(batch: Batch, signal: AbortSignal): Promise<void> {
    const { store, redcap, own, known, destinationsOf } = this.#options
    const { incoming, autoIds } = redcap
    const written = await writeNotes(
      batch,
      { incoming, store, destinationsOf, madeTransfers: (made) => known.madeByUs(made) },
      signal,
    )
    const studies = written.map(({ StudyInstanceUID }) => StudyInstanceUID)
    const failed = new Map(await own.write(store, studies, signal))
    if (autoIds !== undefined) {
      const unnamed = await this.#writeNames(autoIds, studies, signal)
      for (const [study, error] of unnamed) failed.set(study, error)
    }
    for (const { StudyInstanceUID, changes, instancesIn } of written) {
      const error = failed.get(StudyInstanceUID)
      await store.written(StudyInstanceUID, error === undefined ? changes : 'waits', instancesIn)
      if (error === undefined) this.#refused.delete(StudyInstanceUID)
      else this.#refuse(StudyInstanceUID, error)
    }
    this.#written += written.length
  }

  /** What that project does not take or allow holds up no other study. */
  async #writeNames(
    autoIds: NonNullable<RedcapProjects['autoIds']>,
    studies: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, FionaError>> {
    const { store, known } = this.#options
    const notes = await Promise.all(studies.map((study) => store.read(study)))
    const named = notes.filter((note) => note.names !== undefined)
    try {
      return await writeNames(autoIds, known.autoIds, named, signal)
    } catch (error) {
      if (!OwnProjects.isOfTheProject(error)) throw error
      return new Map(named.map(({ StudyInstanceUID }) => [StudyInstanceUID, error]))
    }
  }

  #refuse(StudyInstanceUID: string, error: FionaError): void {
    const until = performance.now() + refusedPauseMs
    this.#refused.set(StudyInstanceUID, { until, error })
    const { log } = this.#options
    log.warn({ code: error.code }, `a study waits, and the others go on: ${error.message}`)
  }

  /** @param canBeWoken something new to write ends it */
  async #rest(ms: number, signal: AbortSignal, canBeWoken = false): Promise<void> {
    const woken = new AbortController()
    if (canBeWoken) this.#wake = () => woken.abort()
    const { wait } = this.#options
    await wait(ms, AbortSignal.any([signal, woken.signal])).catch(() => undefined)
  }
}
