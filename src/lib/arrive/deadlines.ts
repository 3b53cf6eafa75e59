/**
 * What is to be looked at when: a binary heap. An entry is a lower bound. When its time comes its
 * owner looks whether it is really due, and puts it back if not; so an arriving object, which moves
 * a deadline, costs nothing here.
 */
export class Deadlines<Item> {
  readonly #heap: { readonly at: number; readonly item: Item }[] = []

  get next(): number | undefined {
    return this.#heap[0]?.at
  }

  clear(): void {
    this.#heap.length = 0
  }

  push(at: number, item: Item): void {
    const entry = { at, item }
    let hole = this.#heap.length
    while (hole > 0) {
      const above = (hole - 1) >> 1
      const parent = this.#heap[above]
      if (parent === undefined || parent.at <= at) break
      this.#heap[hole] = parent
      hole = above
    }
    this.#heap[hole] = entry
  }

  /** The earliest, if its time has come. */
  takeDue(now: number): Item | undefined {
    const first = this.#heap[0]
    if (first === undefined || first.at > now) return undefined
    const last = this.#heap.pop()
    if (last !== undefined && last !== first) this.#sink(last)
    return first.item
  }

  #sink(entry: { readonly at: number; readonly item: Item }): void {
    let hole = 0
    for (;;) {
      const left = this.#heap[2 * hole + 1]
      const right = this.#heap[2 * hole + 2]
      const useRight = right !== undefined && left !== undefined && right.at < left.at
      const child = useRight ? right : left
      if (child === undefined || child.at >= entry.at) break
      this.#heap[hole] = child
      hole = 2 * hole + (useRight ? 2 : 1)
    }
    this.#heap[hole] = entry
  }
}
