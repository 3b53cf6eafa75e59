import { dirname } from 'node:path'
import { syncDirectory } from '../storage/index.ts'
import { SeriesSummary } from './series-summary.ts'

/** Each takes some kilobytes; one that comes again is read again from disk. */
const mostFollowed = 2000
const mostTouched = 4096
/** Of all series together; each takes half a kilobyte. */
const mostDiffusions = 50_000
/** Files and directories synced at once: the file system commits them together. */
const together = 16

/** What was changed on disk and is not yet written or synced, and the summaries of the series that go by. */
export class FollowedSeries {
  readonly #summaries = new Map<string, SeriesSummary>()
  readonly #touched = new Set<string>()
  #diffusions = 0

  get(directory: string): SeriesSummary | undefined {
    const summary = this.#summaries.get(directory)
    if (summary === undefined) return undefined
    // A Map keeps the order of insertion: the first is the one not used for longest.
    this.#summaries.delete(directory)
    this.#summaries.set(directory, summary)
    return summary
  }

  follow(directory: string): SeriesSummary {
    const known = this.get(directory)
    if (known !== undefined) return known
    const summary = SeriesSummary.follow(directory)
    this.#summaries.set(directory, summary)
    return summary
  }

  /** The directory was gone: what was counted in it means nothing. */
  forget(directory: string): void {
    this.#summaries.delete(directory)
  }

  touch(...directories: readonly string[]): void {
    for (const directory of directories) this.#touched.add(directory)
  }

  /** Of a summary that is followed. */
  countDiffusion(): void {
    this.#diffusions++
  }

  get isMuch(): boolean {
    return (
      this.#summaries.size > mostFollowed ||
      this.#touched.size > mostTouched ||
      this.#diffusions > mostDiffusions
    )
  }

  /** Everything is on disk when this resolves. */
  async settle(): Promise<void> {
    const changed = [...this.#summaries.values()].filter(({ isChanged }) => isChanged)
    await inBatches(changed, (summary) => this.write(summary))
    const touched = [...this.#touched]
    this.#touched.clear()
    await inBatches(touched, async (directory) => {
      await syncDirectory(directory).catch(ignoreMissing)
    })
    this.#forgetOldest()
  }

  #forgetOldest(): void {
    const all = [...this.#summaries]
    this.#diffusions = all.reduce((sum, [, { diffusions }]) => sum + diffusions, 0)
    for (const [directory, { diffusions }] of all) {
      const isFew = this.#summaries.size <= mostFollowed / 2
      if (isFew && this.#diffusions <= mostDiffusions / 2) return
      this.#summaries.delete(directory)
      this.#diffusions -= diffusions
    }
  }

  /**
   * A summary whose directory somebody removed in the meantime is not missed. Its name is made durable by `settle`, once
   * for all series of a study.
   */
  async write(summary: SeriesSummary): Promise<void> {
    if (!summary.isChanged) return
    this.touch(dirname(summary.path))
    await summary.write().catch(ignoreMissing)
  }
}

async function inBatches<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < items.length; at += together) {
    await Promise.all(items.slice(at, at + together).map(work))
  }
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
