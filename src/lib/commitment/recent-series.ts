import { dirname } from 'node:path'

/** More series than are received in a busy day's hour; each costs one path. */
const mostSeries = 4096

/**
 * Where objects were stored lately. A peer asks for commitment soon after it has sent: its objects lie in
 * the last few of these, and the archive need not be searched for them.
 */
export class RecentSeries {
  #last = ''
  /** Oldest first, as a Map keeps what is set anew. */
  readonly #directories = new Map<string, true>()
  #notes = 0

  /** How many objects were noted so far: whether something came since one looked. */
  get notes(): number {
    return this.#notes
  }

  note(path: string): void {
    this.#notes++
    const directory = dirname(path)
    if (directory === this.#last) return
    this.#last = directory
    this.#directories.delete(directory)
    this.#directories.set(directory, true)
    if (this.#directories.size <= mostSeries) return
    const [oldest] = this.#directories.keys()
    if (oldest !== undefined) this.#directories.delete(oldest)
  }

  /** Directories of series, the latest first. */
  list(): string[] {
    return [...this.#directories.keys()].reverse()
  }
}
