import { constants as bufferLimits } from 'node:buffer'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { ExitCode, FionaError } from '../error/index.ts'
import { limitError, parseError } from './trouble.ts'

/**
 * Bytes at offsets, however large the whole is. The parser asks for a few at a time with `at` and
 * reads them out of `buffer`, which the next call may replace: nothing may be kept from it.
 */
export interface ByteSource {
  readonly size: number
  readonly buffer: Buffer
  /** Where in `buffer` the bytes at `offset` now are. `length` is small: headers and short values. */
  at(offset: number, length: number): number
  /** A buffer of the caller's own. */
  read(offset: number, length: number): Buffer
  /** The same into a buffer that is used again and again, all of it. */
  readInto(target: Buffer, offset: number): void
  close(): void
}

export class BufferSource implements ByteSource {
  readonly buffer: Buffer
  readonly size: number

  constructor(buffer: Buffer) {
    this.buffer = buffer
    this.size = buffer.length
  }

  at(offset: number, length: number): number {
    requireInside(this.size, offset, length)
    return offset
  }

  read(offset: number, length: number): Buffer {
    requireInside(this.size, offset, length)
    return Buffer.from(this.buffer.subarray(offset, offset + length))
  }

  readInto(target: Buffer, offset: number): void {
    requireInside(this.size, offset, target.length)
    this.buffer.copy(target, 0, offset, offset + target.length)
  }

  close(): void {
    // Memory needs no closing.
  }
}

const firstWindowBytes = 8 << 10
const largestWindowBytes = 64 << 10
/** Windows of closed files: many small files are read one after the other, and 64 kB cost as much as all their headers. */
const idleWindows: Buffer[] = []
const mostIdleWindows = 4

/** One window slides over the file. It grows while reading goes straight on and shrinks after a jump: what is jumped over is never read. */
export class FileSource implements ByteSource {
  readonly size: number
  buffer: Buffer = idleWindows.pop() ?? Buffer.allocUnsafeSlow(largestWindowBytes)
  readonly #path: string
  #fd: number
  #windowStart = 0
  #windowEnd = 0
  #windowBytes = firstWindowBytes

  constructor(path: string) {
    this.#path = path
    try {
      // O_NONBLOCK: opening a FIFO that nobody writes to must not hang; it means nothing for files.
      this.#fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    } catch (error) {
      throw unreadable(path, error)
    }
    const stat = fstatSync(this.#fd)
    if (!stat.isFile()) {
      closeSync(this.#fd)
      throw parseError(`not a regular file: ${path}`, 0)
    }
    this.size = stat.size
  }

  at(offset: number, length: number): number {
    if (offset >= this.#windowStart && offset + length <= this.#windowEnd) {
      return offset - this.#windowStart
    }
    requireInside(this.size, offset, length)
    const goesOn = offset >= this.#windowStart && offset <= this.#windowEnd
    this.#windowBytes = goesOn
      ? Math.min(this.#windowBytes * 2, largestWindowBytes)
      : firstWindowBytes
    const wanted = Math.min(Math.max(this.#windowBytes, length), this.size - offset)
    if (wanted > this.buffer.length) this.buffer = Buffer.alloc(wanted)
    this.#windowEnd = this.#windowStart = offset
    this.#fill(this.buffer.subarray(0, wanted), offset)
    this.#windowEnd = offset + wanted
    return 0
  }

  read(offset: number, length: number): Buffer {
    requireInside(this.size, offset, length)
    if (length > bufferLimits.MAX_LENGTH) {
      throw limitError(`a value of ${String(length)} bytes does not fit into memory`, offset)
    }
    // Short values share a slab: an ArrayBuffer for each would cost more than reading it.
    const bytes = length <= 1024 ? Buffer.allocUnsafe(length) : Buffer.allocUnsafeSlow(length)
    this.readInto(bytes, offset)
    return bytes
  }

  readInto(target: Buffer, offset: number): void {
    const { length } = target
    requireInside(this.size, offset, length)
    if (offset >= this.#windowStart && offset + length <= this.#windowEnd) {
      this.buffer.copy(target, 0, offset - this.#windowStart, offset - this.#windowStart + length)
    } else {
      this.#fill(target, offset)
    }
  }

  #fill(target: Buffer, offset: number): void {
    if (this.#fd < 0) throw new Error(`read of ${this.#path} after close()`)
    for (let done = 0; done < target.length;) {
      let count: number
      try {
        // One read(2) returns at most 2 GiB - 4 KiB on Linux, and Node takes at most 2 GiB - 1.
        count = readSync(
          this.#fd,
          target,
          done,
          Math.min(target.length - done, 1 << 30),
          offset + done,
        )
      } catch (error) {
        throw unreadable(this.#path, error)
      }
      if (count === 0) throw parseError('the file became shorter while it was read', offset + done)
      done += count
    }
  }

  close(): void {
    if (this.#fd < 0) return
    closeSync(this.#fd)
    this.#fd = -1
    if (this.buffer.length === largestWindowBytes && idleWindows.length < mostIdleWindows) {
      idleWindows.push(this.buffer)
    }
    this.buffer = Buffer.alloc(0)
    this.#windowEnd = this.#windowStart = 0
  }
}

function requireInside(size: number, offset: number, length: number): void {
  if (offset + length > size) {
    throw parseError(`the file ends at byte ${String(size)}, in the middle of something`, offset)
  }
}

function unreadable(path: string, cause: unknown): FionaError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
  return new FionaError('E_FILE_READ', `cannot read ${path}: ${code}`, {
    hint: 'check that the file exists and that this user may read it',
    exitCode: ExitCode.io,
    cause,
  })
}
