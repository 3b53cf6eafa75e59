import { dirname, join, resolve } from 'node:path'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import type { Intake } from '../intake/index.ts'
import { type Durability, syncDirectory, syncFile } from '../storage/index.ts'
import { archivedSeries, filesIn } from './archived-series.ts'
import { type Origin, examineFile } from './examine-file.ts'
import { Outcome } from './outcome.ts'
import type { RecentSeries } from './recent-series.ts'
import { type ReferenceList, Wanted } from './reference-list.ts'
import { Turns } from './turns.ts'

export interface Archive {
  readonly dataDir: string
  readonly durability: Durability
  readonly intake: Intake
  readonly recent: RecentSeries
}

/** How often it is looked whether an object that is still on its way has come. */
const lookAgainMs = 200

/** Others wait no longer while files are looked at; a turn for each file would cost more than the file. */
const longestTurnMs = 2

/** `<SOPInstanceUID>.dcm`, or `<SOPInstanceUID>~<digest>.dcm` where another object had the UID before. */
const archivedName = /^([0-9.]+)(?:~[0-9a-f]+)?\.dcm$/

/** A search for the objects of one request. */
interface Search {
  readonly origin: Origin
  /** What was found and examined is no longer in it. */
  readonly wanted: Wanted
  readonly outcome: Outcome
  /** Directories and files to sync. */
  readonly toSync: Set<string>
}

/**
 * Finds out which objects the archive holds, from its files and nothing else: whatever any list says, the
 * file is what the peer will rely upon. In small steps, between which others get their turn; requests
 * whose objects came lately do not wait for one that makes us search everything.
 */
export class ArchiveExamination {
  readonly #archive: Archive
  readonly #nearTurns = new Turns()
  readonly #walkTurns = new Turns()
  /** The walk through everything that has not begun yet, and the searches that it will serve. */
  #nextWalk: { readonly searches: Search[]; readonly done: Promise<void> } | undefined

  constructor(archive: Archive) {
    this.#archive = { ...archive, dataDir: resolve(archive.dataDir) }
  }

  /**
   * @param patienceMs how long objects may take that are still on their way, in another association say
   * @throws when the signal aborts
   */
  async examine(
    references: ReferenceList,
    origin: Origin,
    options: { readonly patienceMs: number; readonly signal: AbortSignal },
  ): Promise<Outcome> {
    const search: Search = {
      origin,
      wanted: await Wanted.of(references),
      outcome: new Outcome(references),
      toSync: new Set(),
    }
    const { signal } = options
    const deadline = performance.now() + options.patienceMs
    for (let seen = -1; ;) {
      const { notes } = this.#archive.recent
      if (notes !== seen) await this.#nearTurns.take(() => this.#lookAtRecent(search, signal))
      seen = notes
      if (search.wanted.size === 0 || performance.now() >= deadline) break
      await sleep(lookAgainMs, undefined, { signal })
    }
    if (search.wanted.size > 0) await this.#lookEverywhere(search, signal)
    await this.#makeDurable(search)
    return search.outcome
  }

  async #lookAtRecent(search: Search, signal: AbortSignal): Promise<void> {
    for (const series of this.#archive.recent.list()) {
      if (search.wanted.size === 0) return
      await this.#lookInto(series, [search], signal)
    }
  }

  /** One walk at a time, for all who wait: whoever asks for what is nowhere costs others little. */
  #lookEverywhere(search: Search, signal: AbortSignal): Promise<void> {
    if (this.#nextWalk === undefined) {
      const searches: Search[] = []
      const done = this.#walkTurns.take(() => {
        this.#nextWalk = undefined
        return this.#walkThrough(searches, signal)
      })
      this.#nextWalk = { searches, done }
    }
    this.#nextWalk.searches.push(search)
    return this.#nextWalk.done
  }

  async #walkThrough(searches: readonly Search[], signal: AbortSignal): Promise<void> {
    for await (const series of archivedSeries(this.#archive.dataDir, signal)) {
      if (searches.every(({ wanted }) => wanted.size === 0)) return
      await this.#lookInto(series, searches, signal)
    }
  }

  async #lookInto(series: string, searches: readonly Search[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    let since = performance.now()
    for await (const name of filesIn(series)) {
      const [, uid = ''] = archivedName.exec(name) ?? []
      for (const search of searches) {
        if (!search.wanted.has(uid)) continue
        this.#examineFor(search, uid, join(series, name))
        if (performance.now() - since < longestTurnMs) continue
        await turn()
        signal.throwIfAborted()
        since = performance.now()
      }
    }
  }

  #examineFor(search: Search, uid: string, path: string): void {
    const { dataDir, durability, intake } = this.#archive
    const { wanted, outcome, origin, toSync } = search
    const findingOf = examineFile(path, uid, origin, { dataDir, intake })
    wanted.sift(uid, (index) => {
      const reason = findingOf(outcome.references.at(index).SOPClassUID)
      if (reason !== undefined) {
        outcome.fail(index, reason)
        return true
      }
      outcome.commit(index)
      toSync.add(dirname(path))
      if (durability === 'none') toSync.add(path)
      return false
    })
  }

  /**
   * A name is in its directory before the directory is on the disk: an association that stores this very
   * object may be between the two. Where nothing is synced at reception, everything up to the root is, here.
   */
  async #makeDurable({ toSync }: Search): Promise<void> {
    const { dataDir, durability } = this.#archive
    const directories = new Set<string>()
    for (const path of toSync) {
      if (path.endsWith('.dcm')) await syncFile(path)
      else directories.add(path)
    }
    if (durability === 'none') {
      for (const series of [...directories]) {
        for (let at = dirname(series); at.length >= dataDir.length; at = dirname(at)) {
          directories.add(at)
        }
      }
    }
    for (const path of directories) await syncDirectory(path)
  }
}
