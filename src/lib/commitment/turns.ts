/** One after the other, in the order of asking. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()
  #count = 0

  /** Nobody works or waits. */
  get isFree(): boolean {
    return this.#count === 0
  }

  async take<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#count++
    const result = this.#last.then(work)
    this.#last = result.catch(() => undefined)
    try {
      return await result
    } finally {
      this.#count--
    }
  }
}
