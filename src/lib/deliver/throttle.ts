import { setTimeout as delay } from 'node:timers/promises'
import type { Pace } from '../dimse/index.ts'

/** What goes out at once, as a part of a second: smaller pieces make a smoother stream. */
const pieceSeconds = 0.25
const smallestPiece = 4 << 10
const largestPiece = 1 << 20

/**
 * A token bucket that all connections to one destination share: bytes are taken from it before they are
 * written, and whoever finds it empty waits. It never holds more than one piece, so that a pause does not
 * become a burst.
 */
export class Throttle {
  /** Write no more than this at once. */
  readonly pieceBytes: number
  readonly #bytesPerMs: number
  readonly #now: () => number
  /** Monotonic, ms: all bytes that were taken will have gone by then. */
  #freeAt = 0

  /** @param mbit per second, a million bits each; undefined is no limit */
  constructor(mbit: number | undefined, now: () => number = () => performance.now()) {
    this.#bytesPerMs = mbit === undefined ? Infinity : (mbit * 1e6) / 8 / 1000
    this.#now = now
    const piece = Math.floor(this.#bytesPerMs * 1000 * pieceSeconds)
    this.pieceBytes = Math.max(smallestPiece, Math.min(largestPiece, piece))
  }

  /** For an association; undefined where there is no limit. @param signal ends every wait */
  paceUntil(signal: AbortSignal): Pace | undefined {
    if (this.#bytesPerMs === Infinity) return undefined
    return { pieceBytes: this.pieceBytes, take: (bytes) => this.take(bytes, signal) }
  }

  /** Resolves when so many bytes may be written, or when it is aborted. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const wait = this.reserve(bytes)
    if (wait <= 0) return
    await delay(wait, undefined, { signal }).catch(() => undefined)
  }

  /** @returns ms until they may be written */
  reserve(bytes: number): number {
    if (this.#bytesPerMs === Infinity) return 0
    const now = this.#now()
    const from = Math.max(this.#freeAt, now)
    this.#freeAt = from + bytes / this.#bytesPerMs
    return from - now
  }
}
