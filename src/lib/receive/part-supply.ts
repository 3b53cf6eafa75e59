import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ArchivePart } from '../storage/index.ts'

/** A part that has lain longer than this may be older than a full disk. */
const staleAfterMs = 1000

/**
 * Part files made ahead, while the sender waits for the answer to the object before: the next one's bytes
 * then have somewhere to go at once.
 */
export class PartSupply {
  /** As many as there are associations to use them. */
  #enough = 0
  readonly #begin: () => Promise<ArchivePart>
  #ready: { readonly part: ArchivePart; readonly since: number }[] = []
  #making = new Set<Promise<void>>()
  #leaving = new Set<Promise<void>>()

  constructor(begin: () => Promise<ArchivePart>) {
    this.#begin = begin
  }

  /** @throws what `begin` throws */
  take(): ArchivePart | Promise<ArchivePart> {
    for (let next = this.#ready.pop(); next !== undefined; next = this.#ready.pop()) {
      if (performance.now() - next.since < staleAfterMs) return next.part
      this.#discard(next.part)
    }
    return this.#begin()
  }

  /** One more soon, unless there are `enough`: behind the answer that is about to go out. Trouble is left for `take`. */
  prepare(enough: number): void {
    this.#enough = enough
    if (this.#ready.length + this.#making.size >= enough) return
    const making = nextTurn()
      .then(this.#begin)
      .then(
        (part) => {
          if (this.#ready.length < this.#enough) {
            this.#ready.push({ part, since: performance.now() })
          } else this.#discard(part)
        },
        () => undefined,
      )
    this.#making.add(making)
    void making.finally(() => this.#making.delete(making))
  }

  /** Removes what is more than `enough`. */
  shrink(enough: number): void {
    this.#enough = enough
    for (const { part } of this.#ready.splice(enough)) this.#discard(part)
  }

  /** When it resolves, nothing that was made ahead is there any more. */
  async close(): Promise<void> {
    await Promise.all(this.#making)
    this.shrink(0)
    await Promise.all(this.#leaving)
  }

  #discard(part: ArchivePart): void {
    const leaving = part.discard().catch(() => undefined)
    this.#leaving.add(leaving)
    void leaving.finally(() => this.#leaving.delete(leaving))
  }
}
