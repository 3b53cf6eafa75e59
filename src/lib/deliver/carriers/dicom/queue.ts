/** The objects that nobody has taken yet, shared by all who take them. */
export class Queue<Item> {
  readonly #items: Item[]
  #at = 0

  constructor(items: readonly Item[]) {
    this.#items = [...items]
  }

  get size(): number {
    return this.#items.length - this.#at
  }

  next(): Item | undefined {
    const item = this.#items[this.#at]
    if (this.#at < this.#items.length) this.#at++
    return item
  }

  /** Taken, and not sent after all: they are the next. */
  putBack(...items: readonly Item[]): void {
    this.#items.splice(0, this.#at, ...items)
    this.#at = 0
  }

  /** Nobody shall take another. */
  clear(): void {
    this.#at = this.#items.length
  }
}
