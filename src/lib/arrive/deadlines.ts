/**
 * What is to be looked at when: a binary heap. An entry is a lower bound. When its time comes its
 * owner looks whether it is really due, and puts it back if not; so an arriving object, which moves
 * a deadline, costs nothing here.
 */
export class Deadlines<Item> {
  // Two arrays, since an object for each of a hundred thousand entries takes five times as much.
  readonly #times: number[] = []
  readonly #items: Item[] = []

  get next(): number | undefined {
    return this.#times[0]
  }

  clear(): void {
    this.#times.length = 0
    this.#items.length = 0
  }

  push(at: number, item: Item): void {
    let hole = this.#times.length
    while (hole > 0) {
      const above = (hole - 1) >> 1
      if (this.#timeOf(above) <= at) break
      this.#move(above, hole)
      hole = above
    }
    this.#put(hole, at, item)
  }

  /** The earliest, if its time has come. */
  takeDue(now: number): Item | undefined {
    if (this.#times.length === 0 || this.#timeOf(0) > now) return undefined
    const first = this.#items[0]
    const lastAt = this.#times.pop()
    const last = this.#items.pop()
    if (this.#times.length > 0) this.#sink(lastAt as number, last as Item)
    return first
  }

  #sink(at: number, item: Item): void {
    const { length } = this.#times
    let hole = 0
    for (let child = 1; child < length; child = 2 * hole + 1) {
      if (child + 1 < length && this.#timeOf(child + 1) < this.#timeOf(child)) child++
      if (this.#timeOf(child) >= at) break
      this.#move(child, hole)
      hole = child
    }
    this.#put(hole, at, item)
  }

  #timeOf(entry: number): number {
    return this.#times[entry] as number
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#timeOf(from), this.#items[from] as Item)
  }

  #put(entry: number, at: number, item: Item): void {
    this.#times[entry] = at
    this.#items[entry] = item
  }
}
