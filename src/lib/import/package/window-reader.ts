import { readSync } from 'node:fs'
import { RandomAccessReader } from 'yauzl'

const windowBytes = 1 << 16

/**
 * An open file for yauzl, which asks for some bytes at a time: a central directory of a million entries is
 * two million questions, and a turn through the thread pool for each would take minutes.
 */
export class WindowReader extends RandomAccessReader {
  readonly #fd: number
  readonly #size: number
  readonly #window = Buffer.allocUnsafe(windowBytes)
  #start = 0
  #end = 0

  constructor(fd: number, size: number) {
    super()
    this.#fd = fd
    this.#size = size
  }

  override read(
    target: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    let error: Error | null = null
    let bytesRead = 0
    try {
      bytesRead = this.#read(target.subarray(offset, offset + length), position)
    } catch (trouble) {
      error = trouble as Error
    }
    queueMicrotask(() => callback(error, bytesRead))
  }

  #read(target: Buffer, position: number): number {
    const length = Math.max(0, Math.min(target.length, this.#size - position))
    if (length > windowBytes) return readSync(this.#fd, target, 0, length, position)
    if (position < this.#start || position + length > this.#end) {
      this.#start = position
      this.#end = position + readSync(this.#fd, this.#window, 0, windowBytes, position)
    }
    const at = position - this.#start
    return this.#window.copy(target, 0, at, Math.min(at + length, this.#end - this.#start))
  }
}
