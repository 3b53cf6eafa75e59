import { closeSync, fstatSync, openSync, read, readSync } from 'node:fs'
import { promisify } from 'node:util'

const newline = 0x0a
const inThePool = promisify(read)
/**
 * Up to here a turn through the thread pool costs more than the bytes: what is short was written just now, and is in
 * the page cache.
 */
const shortBytes = 64 * 1024
/** Through the pool it goes all the same so often: who reads thousands of short segments must not keep others waiting. */
const quickReads = 16

/**
 * Whole lines of growing files, in pieces of bounded size. One buffer serves all reads: what it hands out
 * are copies of exactly the lines, so that small reads cost little memory.
 */
export class LineReader {
  #chunkBytes: number
  #scratch: Buffer
  #reads = 0

  constructor(chunkBytes: number) {
    this.#chunkBytes = chunkBytes
    this.#scratch = Buffer.allocUnsafeSlow(chunkBytes)
  }

  /** From `offset` to the last newline that is there now; `end` is the offset behind the lines. */
  async *read(
    path: string,
    offset: number,
  ): AsyncGenerator<{ lines: Buffer; end: number }, void, undefined> {
    const fd = openIfThere(path)
    if (fd === undefined) return
    if (this.#scratch.length > this.#chunkBytes)
      this.#scratch = Buffer.allocUnsafeSlow(this.#chunkBytes)
    try {
      // A writer may be faster than the reader: what comes after this moment is for the next look.
      const { size } = fstatSync(fd)
      // What was cut and mended, or came from elsewhere, may have moved lines under a cursor: one that
      // stands within a line goes back to its beginning. Half a line must not pass for one.
      let at = offset > 0 && offset < size ? endOfLinesBefore(fd, offset) : offset
      let held = 0
      while (at + held < size) {
        if (held === this.#scratch.length) this.#grow()
        const room = Math.min(this.#scratch.length - held, size - at - held)
        const isQuick = room <= shortBytes && ++this.#reads % quickReads !== 0
        const bytesRead = isQuick
          ? readSync(fd, this.#scratch, held, room, at + held)
          : (await inThePool(fd, this.#scratch, held, room, at + held)).bytesRead
        if (bytesRead === 0) return
        const filled = held + bytesRead
        const lineEnd = this.#scratch.subarray(0, filled).lastIndexOf(newline) + 1
        if (lineEnd === 0) {
          held = filled
          continue
        }
        const lines = Buffer.from(this.#scratch.subarray(0, lineEnd))
        held = filled - lineEnd
        at += lineEnd
        this.#keep(lineEnd, filled)
        yield { lines, end: at }
      }
    } finally {
      closeSync(fd)
    }
  }

  /** A line longer than the buffer: double it for as long as that line needs it. */
  #grow(): void {
    const larger = Buffer.allocUnsafeSlow(this.#scratch.length * 2)
    this.#scratch.copy(larger)
    this.#scratch = larger
  }

  #keep(from: number, to: number): void {
    if (this.#scratch.length > this.#chunkBytes && to - from < this.#chunkBytes) {
      const usual = Buffer.allocUnsafeSlow(this.#chunkBytes)
      this.#scratch.copy(usual, 0, from, to)
      this.#scratch = usual
    } else this.#scratch.copyWithin(0, from, to)
  }
}

/** The offset behind the last newline of a file. */
export function endOfLines(path: string): number {
  const fd = openIfThere(path)
  if (fd === undefined) return 0
  try {
    return endOfLinesBefore(fd, fstatSync(fd).size, shortBytes)
  } finally {
    closeSync(fd)
  }
}

function endOfLinesBefore(fd: number, position: number, blockBytes = 256): number {
  const block = Buffer.allocUnsafe(blockBytes)
  for (let end = position; end > 0;) {
    const start = Math.max(0, end - block.length)
    const bytesRead = readSync(fd, block, 0, end - start, start)
    const lineEnd = block.subarray(0, bytesRead).lastIndexOf(newline) + 1
    if (lineEnd > 0) return start + lineEnd
    end = start
  }
  return 0
}

/** A segment may be pruned between listing and opening. */
function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
