import { closeSync, constants, openSync } from 'node:fs'

/** More than the series that come in at one time. */
const mostKept = 32

interface Kept {
  readonly fd: number
  /** Monotonic, ms. */
  readonly openedAt: number
  /** Somebody is at work with it. */
  users: number
}

/**
 * Directories that stay open for a moment: one object needs the same ones several times, and so does the next.
 * After `keptMs` they are opened anew, so that what is mounted or put in their place meanwhile is seen, and
 * nobody who is idle keeps a file system from being unmounted.
 */
export class KeptDirectories {
  readonly #keptMs: number
  readonly #kept = new Map<string, Kept>()
  #timer: NodeJS.Timeout | undefined

  /** @param keptMs 0: for the one who asks, and no longer */
  constructor(keptMs: number) {
    this.#keptMs = keptMs
  }

  /**
   * @param work gets the descriptor, which is good until it returns or, of a promise, until that is settled;
   *   `wasKept` when it was not opened just now
   * @throws the error of open(2)
   */
  use<Result>(path: string, work: (fd: number, wasKept: boolean) => Result): Result {
    const known = this.#kept.get(path)
    const kept = known ?? this.#open(path)
    kept.users += 1
    let result: Result
    try {
      result = work(kept.fd, known !== undefined)
    } catch (error) {
      this.#leave(path, kept)
      throw error
    }
    if (!(result instanceof Promise)) {
      this.#leave(path, kept)
      return result
    }
    return result.finally(() => {
      this.#leave(path, kept)
    }) as Result
  }

  /** Whoever is next opens it anew. */
  forget(path: string): void {
    const kept = this.#kept.get(path)
    this.#kept.delete(path)
    if (kept?.users === 0) closeSync(kept.fd)
  }

  #open(path: string): Kept {
    const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
    const kept = { fd, openedAt: performance.now(), users: 0 }
    if (this.#keptMs > 0) {
      const [oldest] = this.#kept.keys()
      if (oldest !== undefined && this.#kept.size >= mostKept) this.forget(oldest)
      this.#kept.set(path, kept)
      this.#timer ??= setTimeout(this.#sweep, this.#keptMs).unref()
    }
    return kept
  }

  #leave(path: string, kept: Kept): void {
    kept.users -= 1
    if (kept.users === 0 && this.#kept.get(path) !== kept) closeSync(kept.fd)
  }

  /** Arrow function: the timer's. */
  readonly #sweep = (): void => {
    const limit = performance.now() - this.#keptMs
    for (const [path, { openedAt }] of this.#kept) if (openedAt <= limit) this.forget(path)
    this.#timer = this.#kept.size === 0 ? undefined : setTimeout(this.#sweep, this.#keptMs).unref()
  }
}
