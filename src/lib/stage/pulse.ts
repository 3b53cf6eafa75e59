/** One that is not known to pass marks on is not waited for when nothing has moved for so long. */
export const unprovenMs = 1000

/** When a pipeline last showed that it gets on (monotonic, ms). */
export class Pulse {
  #movedAt = performance.now()
  #printedAt = performance.now()
  #deaf = 0

  /** When it last took what it was given, or passed a mark on. */
  get movedAt(): number {
    return this.#movedAt
  }

  get printedAt(): number {
    return this.#printedAt
  }

  moved(): void {
    this.#movedAt = performance.now()
  }

  printed(): void {
    this.#printedAt = performance.now()
  }

  /** One of its outputs is not read meanwhile: that it is silent then says nothing. */
  async unheard(meanwhile: Promise<void>): Promise<void> {
    this.#deaf++
    await meanwhile
    this.#deaf--
    this.printed()
  }

  /** When it last printed something, or could not be heard. */
  heardAt(now: number): number {
    return this.#deaf > 0 ? now : this.#printedAt
  }
}
