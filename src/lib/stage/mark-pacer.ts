import type { MarkedInput } from './marked-input.ts'

/** Gives out the marks that are wanted: now, or as soon as one may follow the last. */
export class MarkPacer {
  readonly #input: MarkedInput
  #later: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(input: MarkedInput) {
    this.#input = input
  }

  /** To be called whenever one may have become wanted, or possible. */
  pace(): void {
    if (this.#isClosed) return
    const waitMs = this.#input.markIfWanted()
    if (waitMs === undefined) return
    this.#later ??= setTimeout(() => {
      this.#later = undefined
      this.pace()
    }, waitMs)
  }

  /** No more marks. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#later)
  }
}
