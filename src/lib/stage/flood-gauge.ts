import type { StageLimits } from './limits.ts'

/** Each becomes an error record of some hundred bytes, so that few bytes of a flood would become very many. */
const mostStrays = 20_000
/** What is held in memory of a pipeline that has flooded before. */
const mostHeldBytes = 32 * 1024 * 1024

type FloodLimit = Pick<StageLimits, 'floodBytes'>

/** Of a pipeline that flooded before: nothing of it goes into the journals before it is known to be whole. */
export function distrusted({ floodBytes }: FloodLimit): FloodLimit {
  return { floodBytes: Math.min(floodBytes, mostHeldBytes) }
}

/**
 * How much a pipeline has printed since the last mark came out. One that prints without end (`yes`) would fill the
 * disk. A mark shows that it gets on; where marks are dropped, all of a run counts.
 */
export class FloodGauge {
  readonly #floodBytes: number
  #bytes = 0
  #strays = 0

  constructor({ floodBytes }: FloodLimit) {
    this.#floodBytes = floodBytes
  }

  printed(bytes: number): void {
    this.#bytes += bytes
  }

  /** A line that is no record. */
  strayed(): void {
    this.#strays++
  }

  /** A mark came out. */
  subsided(): void {
    this.#bytes = 0
    this.#strays = 0
  }

  /** What was too much, in words. */
  get excess(): string | undefined {
    if (this.#bytes > this.#floodBytes) {
      const mebibytes = String(Math.floor(this.#floodBytes / 1024 / 1024))
      return `it printed more than ${mebibytes} MiB without passing a mark on`
    }
    if (this.#strays <= mostStrays || this.#floodBytes === Infinity) return undefined
    return `it printed more than ${String(mostStrays)} lines that are no records`
  }
}
