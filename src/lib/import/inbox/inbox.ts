import { lstatSync, rmdirSync } from 'node:fs'
import { FionaError } from '../../error/index.ts'
import { asStorageError, type Intake } from '../../intake/index.ts'
import type { PathRecord } from '../../record/index.ts'
import type { Entry, FileEntry } from '../entry.ts'
import type { FilePath } from '../file-path.ts'
import { pathOfRecord } from '../path-record.ts'
import { patience } from '../patience.ts'
import { runImport, type Fate, type ImportRun } from '../run-import.ts'
import { untilAborted } from '../until-aborted.ts'
import { walk } from '../walk.ts'
import { setAside } from './set-aside.ts'
import { Stillness } from './stillness.ts'
import { isUnfinishedName } from './unfinished-name.ts'
import { Unchanged } from './unchanged.ts'

export interface InboxOptions {
  readonly intake: Intake
  /** So long nobody must have written to a file before it counts as whole. */
  readonly settleMs: number
  readonly signal: AbortSignal
}

export type InboxRun = Omit<
  ImportRun,
  'entries' | 'patience' | 'failed' | 'settled' | 'isService' | 'counts'
>

/** Shares tell of nothing by themselves, and inotify forgets when too much happens. */
const lookAgainMs = 5000
const leastWaitMs = 50
/** Somebody may have made a folder to put something in. */
const emptyFolderMs = 60_000
/** What no quarantine would mend: it stays, is told once, and is tried again when somebody has changed it. */
const staying = new Set(['E_FILE_READ', 'E_FILE_MISSING', 'E_FILE_TYPE', 'E_FILE_REMOVE'])

/** A folder that is emptied, one look after the other: so nothing is taken twice. */
export class Inbox {
  readonly #root: string
  readonly #run: InboxRun
  readonly #options: InboxOptions
  readonly #staying = new Unchanged()
  #isUsable = true

  /** @param root a real path */
  constructor(root: string, run: InboxRun, options: InboxOptions) {
    this.#root = root
    this.#run = run
    this.#options = options
  }

  /**
   * Takes all that is whole by now.
   * @returns after how many milliseconds to look again at the latest
   */
  async look(): Promise<number> {
    const { log } = this.#run
    const { signal } = this.#options
    const stillness = this.#stillness()
    if (stillness === undefined) return lookAgainMs
    let nextMs = lookAgainMs
    const entries = this.#ready(stillness, (ms) => (nextMs = Math.min(nextMs, ms)))
    await runImport({
      ...this.#run,
      entries: untilAborted(entries, signal),
      isService: true,
      patience: patience(log, signal),
      failed: (error) => {
        log.warn({ code: error.code }, 'a file in the inbox could not be taken; see errors')
      },
      settled: (entry, fate) => this.#settle(entry, fate),
    })
    return Math.max(nextMs, leastWaitMs)
  }

  /** Undefined while the folder cannot be used: a share may be away for a while. */
  #stillness(): Stillness | undefined {
    try {
      const stillness = new Stillness(this.#root)
      if (!this.#isUsable) this.#run.log.info('the inbox can be used again')
      this.#isUsable = true
      return stillness
    } catch (error) {
      if (this.#isUsable) this.#run.log.error({ err: error }, 'the inbox cannot be used; waiting')
      this.#isUsable = false
      return undefined
    }
  }

  async *#ready(
    stillness: Stillness,
    again: (ms: number) => void,
  ): AsyncGenerator<Entry, void, undefined> {
    const { settleMs } = this.#options
    for await (const entry of walk(this.#root, { ignores: isUnfinishedName })) {
      if (entry.kind === 'emptyFolder') {
        this.#tidy(entry.path, stillness)
        continue
      }
      const path = pathOf(entry)
      if (path === undefined || this.#staying.has(path)) continue
      if (entry.kind !== 'file') {
        this.#staying.add(path)
        yield entry
        continue
      }
      const stillMs = entry.link === undefined ? stillness.of(entry.path) : undefined
      if (stillMs !== undefined && stillMs < settleMs) again(settleMs - stillMs)
      // Somebody may have taken it back.
      else if (stillMs !== undefined || isThere(path)) yield entry
    }
  }

  /** What was not removed goes to the quarantine, or stays and is left alone until it changes. */
  async #settle(entry: FileEntry, fate: Fate): Promise<string | undefined> {
    if (typeof fate === 'object' && fate.error instanceof FionaError && fate.error.retryable) {
      return undefined
    }
    const reason = reasonOf(fate)
    const isMovable = reason !== undefined && entry.link === undefined
    const place = isMovable ? await this.#setAside(entry, reason) : undefined
    this.#staying.add(entry.link ?? entry.path)
    return place
  }

  async #setAside(entry: FileEntry, reason: FionaError | string): Promise<string | undefined> {
    const { log } = this.#run
    const { intake, signal } = this.#options
    try {
      const place = await patience(log, signal)(() => setAside(intake, entry, reason))
      const code = reason instanceof FionaError ? reason.code : undefined
      log.warn({ place, code }, 'what could not be taken lies in the quarantine')
      return place
    } catch (error) {
      // Its message would name the file.
      const code = error instanceof FionaError ? error.code : 'E_INTERNAL'
      log.warn({ code }, 'what could not be taken stays in the inbox')
      return undefined
    }
  }

  #tidy(folder: FilePath, stillness: Stillness): void {
    if (folder === this.#root) return
    try {
      if (stillness.since(lstatSync(folder).ctimeMs) > emptyFolderMs) rmdirSync(folder)
    } catch (error) {
      // Something is in it by now, or it is not ours to remove: then it stays.
      if (asStorageError(error) === error) throw error
    }
  }
}

function isThere(path: FilePath): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

function pathOf(entry: Entry): FilePath | undefined {
  if (entry.kind === 'file') return entry.link ?? entry.path
  if (entry.kind === 'linkedFolder') return entry.path
  return entry.kind === 'trouble' ? pathOfRecord(entry.input as PathRecord) : undefined
}

/** Why a file goes to the quarantine; undefined when it does not. */
function reasonOf(fate: Fate): FionaError | string | undefined {
  if (fate === 'imported') return undefined
  if (fate === 'notDicom') return 'not a DICOM file'
  if (fate === 'directory') return 'a DICOMDIR is no object'
  if (fate === 'incomplete') return 'not all of this package was imported; see the journal errors'
  const { error } = fate
  return error instanceof FionaError && !staying.has(error.code) ? error : undefined
}
