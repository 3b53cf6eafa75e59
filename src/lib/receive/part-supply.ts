import type { ArchivePart } from '../storage/index.ts'

/** A part that has lain longer than this may be older than a full disk. */
const staleAfterMs = 1000

/**
 * Part files made ahead, while the sender waits for the answer to the object before: the next one's bytes
 * then have somewhere to go at once.
 */
export class PartSupply {
  readonly #begin: () => Promise<ArchivePart>
  #ready: { readonly part: ArchivePart; readonly since: number }[] = []
  #making = new Set<Promise<void>>()

  constructor(begin: () => Promise<ArchivePart>) {
    this.#begin = begin
  }

  /** @throws what `begin` throws */
  take(): ArchivePart | Promise<ArchivePart> {
    for (let next = this.#ready.pop(); next !== undefined; next = this.#ready.pop()) {
      if (performance.now() - next.since < staleAfterMs) return next.part
      void next.part.discard().catch(() => undefined)
    }
    return this.#begin()
  }

  /** One more, unless there are `enough`. Trouble is left for `take` to meet. */
  prepare(enough: number): void {
    if (this.#ready.length + this.#making.size >= enough) return
    const making = this.#begin().then(
      (part) => {
        this.#ready.push({ part, since: performance.now() })
      },
      () => undefined,
    )
    this.#making.add(making)
    void making.finally(() => this.#making.delete(making))
  }

  /** Removes what is more than `enough`. */
  async shrink(enough: number): Promise<void> {
    if (enough === 0) await Promise.all(this.#making)
    const surplus = this.#ready.splice(0, Math.max(0, this.#ready.length - enough))
    await Promise.all(surplus.map(({ part }) => part.discard().catch(() => undefined)))
  }
}
