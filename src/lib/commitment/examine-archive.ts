import { open } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import type { Intake } from '../intake/index.ts'
import { type Durability, syncDirectory } from '../storage/index.ts'
import { archivedSeries, filesIn } from './archived-series.ts'
import type { Outcome } from './event-report.ts'
import { type Origin, examineFile } from './examine-file.ts'
import type { RecentSeries } from './recent-series.ts'
import { FailureReason, type Reference } from './sop-class.ts'
import { Turns } from './turns.ts'

export interface Archive {
  readonly dataDir: string
  readonly durability: Durability
  readonly intake: Intake
  readonly recent: RecentSeries
}

/** How often it is looked whether an object that is still on its way has come. */
const lookAgainMs = 200

/** `<SOPInstanceUID>.dcm`, or `<SOPInstanceUID>~<digest>.dcm` where another object had the UID before. */
const archivedName = /^([0-9.]+)(?:~[0-9a-f]+)?\.dcm$/

/** A search for the objects of one request. */
interface Search {
  readonly origin: Origin
  /** By SOP Instance UID; what was found and examined is no longer in it. */
  readonly wanted: Map<string, Reference[]>
  readonly found: Reference[]
  /** Why a file under that name did not do; another one may still. */
  readonly reasons: Map<Reference, FailureReason>
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
    references: readonly Reference[],
    origin: Origin,
    options: { readonly patienceMs: number; readonly signal: AbortSignal },
  ): Promise<Outcome> {
    const search: Search = {
      origin,
      wanted: byInstance(references),
      found: [],
      reasons: new Map(),
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
    const committed = new Set(search.found)
    return {
      committed: references.filter((one) => committed.has(one)),
      failed: references
        .filter((one) => !committed.has(one))
        .map((one) => ({
          ...one,
          reason: search.reasons.get(one) ?? FailureReason.noSuchObjectInstance,
        })),
    }
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
    for (const name of await filesIn(series)) {
      const [, uid = ''] = archivedName.exec(name) ?? []
      for (const search of searches) {
        if (!search.wanted.has(uid)) continue
        this.#examineFor(search, uid, join(series, name))
        await turn(undefined, { signal })
      }
    }
  }

  #examineFor(search: Search, uid: string, path: string): void {
    const { dataDir, durability, intake } = this.#archive
    const references = search.wanted.get(uid) ?? []
    const missing = references.filter((reference) => {
      const reason = examineFile(path, reference, search.origin, { dataDir, intake })
      if (reason === undefined) search.found.push(reference)
      else noteReason(search.reasons, reference, reason)
      return reason !== undefined
    })
    if (missing.length < references.length) {
      search.toSync.add(dirname(path))
      if (durability === 'none') search.toSync.add(path)
    }
    if (missing.length === 0) search.wanted.delete(uid)
    else search.wanted.set(uid, missing)
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

function byInstance(references: readonly Reference[]): Map<string, Reference[]> {
  const wanted = new Map<string, Reference[]>()
  for (const reference of references) {
    const same = wanted.get(reference.SOPInstanceUID)
    if (same === undefined) wanted.set(reference.SOPInstanceUID, [reference])
    else same.push(reference)
  }
  return wanted
}

/** Of several files, the one that came nearest to being it tells the reason. */
function noteReason(
  reasons: Map<Reference, FailureReason>,
  reference: Reference,
  reason: FailureReason,
): void {
  const before = reasons.get(reference)
  if (before === undefined || before === FailureReason.noSuchObjectInstance) {
    reasons.set(reference, reason)
  }
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
