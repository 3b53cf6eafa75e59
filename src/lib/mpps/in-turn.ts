/** Work on one thing goes one after the other; on different things it goes side by side. */
export class InTurn {
  readonly #last = new Map<string, Promise<unknown>>()

  take<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(key) ?? Promise.resolve()
    // Whatever became of the one before.
    const mine = before.then(work, work)
    this.#last.set(key, mine)
    const leave = (): void => {
      if (this.#last.get(key) === mine) this.#last.delete(key)
    }
    mine.then(leave, leave)
    return mine
  }

  /** Nothing is under way when it resolves. */
  async idle(): Promise<void> {
    while (this.#last.size > 0) await Promise.allSettled(this.#last.values())
  }
}
