/** More than this is not written behind the reader's back. */
const mostUnwritten = 1 << 20

/**
 * Writing while the next chunk is read and worked on: half of a filter's time would be waiting
 * otherwise. How much waits is bounded, and a reader that has gone is noticed without a further write.
 */
export class WriteBehind {
  readonly #write: (data: string | Buffer) => Promise<void>
  readonly #broken = new AbortController()
  #unwritten = 0
  #last: Promise<unknown> = Promise.resolve()
  #failure: { readonly error: unknown } | undefined

  constructor(write: (data: string | Buffer) => Promise<void>) {
    this.#write = write
  }

  /** Aborted when a write failed. */
  get broken(): AbortSignal {
    return this.#broken.signal
  }

  /** Resolves when there is room for more. @throws what an earlier write threw */
  async write(parts: readonly (string | Buffer)[]): Promise<void> {
    const size = parts.reduce((sum, { length }) => sum + length, 0)
    if (size > 0) {
      this.#unwritten += size
      this.#last = Promise.all(parts.map(this.#write)).then(
        () => {
          this.#unwritten -= size
        },
        (error: unknown) => {
          this.#failure ??= { error }
          this.#broken.abort()
        },
      )
    }
    if (this.#unwritten > mostUnwritten || this.#failure !== undefined) await this.drained()
  }

  /** Resolves when all is written. @throws what a write threw */
  async drained(): Promise<void> {
    await this.#last
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
