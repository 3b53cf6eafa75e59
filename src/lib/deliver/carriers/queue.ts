/**
 * What nobody has taken yet, shared by all who take it. Nothing is asked for before its turn: looking into a file
 * costs as much as sending a small one, and the first shall be on its way before the last was looked into.
 */
export class Queue<Item> {
  readonly #rest: Iterator<Item>
  /** Asked for already. */
  #ahead: Item[] = []

  constructor(items: Iterable<Item>) {
    this.#rest = items[Symbol.iterator]()
  }

  get isEmpty(): boolean {
    return this.ahead(1).length === 0
  }

  /** Those that come next, fewer at the end; they stay. */
  ahead(count: number): readonly Item[] {
    while (this.#ahead.length < count) {
      const next = this.#rest.next()
      if (next.done === true) break
      this.#ahead.push(next.value)
    }
    return this.#ahead.slice(0, count)
  }

  next(): Item | undefined {
    if (this.isEmpty) return undefined
    return this.#ahead.shift()
  }

  /** Taken, and not sent after all: they are the next. */
  putBack(...items: readonly Item[]): void {
    this.#ahead.unshift(...items)
  }

  /** Nobody shall take another. */
  clear(): void {
    this.#ahead = []
    while (this.#rest.return === undefined && this.#rest.next().done !== true);
    this.#rest.return?.()
  }
}
