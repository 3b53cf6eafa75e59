/** How much came in the last seconds: a sum for each of them, so that it takes no memory for each thing. */
export class Rate {
  readonly #seconds: number
  readonly #sums: number[]
  /** The second that the newest sum is of. */
  #newest = Number.NEGATIVE_INFINITY
  #total = 0

  constructor(seconds: number) {
    this.#seconds = seconds
    this.#sums = new Array<number>(seconds).fill(0)
  }

  get total(): number {
    return this.#total
  }

  /** @param nowMs monotonic */
  add(amount: number, nowMs: number): void {
    const second = this.#turnTo(nowMs)
    const at = second % this.#seconds
    this.#sums[at] = (this.#sums[at] ?? 0) + amount
    this.#total += amount
  }

  perSecond(nowMs: number): number {
    this.#turnTo(nowMs)
    return this.#sums.reduce((sum, each) => sum + each, 0) / this.#seconds
  }

  /** Empties what lies too far back. */
  #turnTo(nowMs: number): number {
    const second = Math.floor(nowMs / 1000)
    const passed = Math.min(this.#seconds, second - this.#newest)
    for (let at = second - passed + 1; at <= second; at++) this.#sums[at % this.#seconds] = 0
    this.#newest = Math.max(second, this.#newest)
    return this.#newest
  }
}
