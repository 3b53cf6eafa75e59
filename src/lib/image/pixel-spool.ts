import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'

const mostInMemory = 8 << 20

/**
 * Frames that were encoded anew, until the object is written: in memory while they are few, then in a file that has
 * no name any more, so that nobody else reads it and nothing is left of it whatever happens.
 */
export class PixelSpool implements Disposable {
  readonly #path: () => string
  #pieces: Buffer[] = []
  #fd: number | undefined
  #length = 0

  /** @param path of the file, should one be needed; nothing is there */
  constructor(path: () => string) {
    this.#path = path
  }

  get length(): number {
    return this.#length
  }

  /** The buffer is the spool's from here on. */
  append(bytes: Buffer): void {
    this.#pieces.push(bytes)
    this.#length += bytes.length
    if (this.#fd !== undefined || this.#length > mostInMemory) this.#flush()
  }

  readInto(target: Buffer, from: number): void {
    if (this.#fd !== undefined) {
      for (let done = 0; done < target.length;) {
        const count = readSync(this.#fd, target, done, target.length - done, from + done)
        if (count === 0) return
        done += count
      }
      return
    }
    let start = 0
    for (const piece of this.#pieces) {
      const skip = Math.max(0, from - start)
      if (skip < piece.length) piece.copy(target, Math.max(0, start - from), skip)
      start += piece.length
      if (start >= from + target.length) return
    }
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
    this.#pieces = []
  }

  #flush(): void {
    let at = this.#length - this.#pieces.reduce((sum, { length }) => sum + length, 0)
    if (this.#fd === undefined) {
      const path = this.#path()
      this.#fd = openSync(path, 'wx+', 0o600)
      unlinkSync(path)
    }
    for (const piece of this.#pieces) {
      for (let done = 0; done < piece.length;) {
        done += writeSync(this.#fd, piece, done, piece.length - done, at + done)
      }
      at += piece.length
    }
    this.#pieces = []
  }
}
