/** Less than this at a time is little. */
const littleBytes = 32 * 1024
/** Two readings with less than this between them belong to a stream. */
const streamMs = 10
const longestMs = 4

/**
 * How long to wait before reading more of a pipeline's output. Most programs print 4 KiB at a time: read as often as
 * they print, that costs more than all the rest. So where little comes, and again and again, it is left to gather in
 * the kernel for some milliseconds. The first of it is never waited for, nor is a program that prints much kept waiting.
 */
export class ReadingRest {
  #readAt = -Infinity
  #ms = 0

  /**
   * @param bytes that were read at `now` (monotonic, ms)
   * @returns milliseconds
   */
  after(bytes: number, now: number): number {
    const isStream = now - this.#readAt < streamMs
    this.#readAt = now
    if (!isStream || bytes >= 2 * littleBytes) this.#ms = 0
    else if (bytes < littleBytes) this.#ms = Math.min(longestMs, Math.max(1, this.#ms * 2))
    return this.#ms
  }
}
