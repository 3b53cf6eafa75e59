/**
 * A few jobs at once, their results handed over in the order the jobs were added, as soon as may be: the
 * next job need not come first. A slot is free again when its result was dealt with, so whoever adds is
 * slowed down by the slowest part.
 */
export class InOrder<Result> {
  readonly #limit: number
  readonly #deliver: (result: Result) => Promise<void>
  #open = 0
  #previous: Promise<void> = Promise.resolve()
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined

  /** @param deliver is called in order, one call not waiting for the other's end */
  constructor(limit: number, deliver: (result: Result) => Promise<void>) {
    this.#limit = limit
    this.#deliver = deliver
  }

  /**
   * Starts the job; resolves when there is room for another. Rejects once a job or a delivery has failed.
   * @param weight how much of the limit it takes
   */
  async add(job: () => Result | Promise<Result>, weight = 1): Promise<void> {
    this.#open += weight
    const started = begin(job)
    // Its turn may come later; until then its failure is nobody's.
    started.catch(() => undefined)
    this.#previous = this.#previous.then(async () => {
      try {
        const result = await started
        if (this.#failure === undefined) void this.#settle(this.#deliver(result), weight)
        else this.#free(weight)
      } catch (error) {
        this.#fail(error, weight)
      }
    })
    await this.#until(() => this.#open < this.#limit)
  }

  /** Waits for everything that was added, also when something failed, and then rejects with that. */
  async end(): Promise<void> {
    await this.#until(() => this.#open === 0)
  }

  async #settle(delivered: Promise<void>, weight: number): Promise<void> {
    try {
      await delivered
      this.#free(weight)
    } catch (error) {
      this.#fail(error, weight)
    }
  }

  #fail(error: unknown, weight: number): void {
    this.#failure ??= { error }
    this.#free(weight)
  }

  #free(weight: number): void {
    this.#open -= weight
    this.#wake?.()
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => (this.#wake = resolve))
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

async function begin<Result>(job: () => Result | Promise<Result>): Promise<Result> {
  return job()
}
