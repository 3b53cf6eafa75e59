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

/** Two buffers one behind the other, as if they were one that nobody had to copy. */
export class JoinedSource implements ByteSource {
  readonly size: number
  buffer: Buffer
  readonly #first: Buffer
  readonly #second: Buffer

  constructor(first: Buffer, second: Buffer) {
    this.#first = this.buffer = first
    this.#second = second
    this.size = first.length + second.length
  }

  at(offset: number, length: number): number {
    const { length: seam } = this.#first
    if (offset < seam && offset + length > seam) {
      this.buffer = this.read(offset, length)
      return 0
    }
    requireInside(this.size, offset, length)
    this.buffer = offset < seam ? this.#first : this.#second
    return offset < seam ? offset : offset - seam
  }

  read(offset: number, length: number): Buffer {
    requireInside(this.size, offset, length)
    const bytes = Buffer.allocUnsafe(length)
    this.readInto(bytes, offset)
    return bytes
  }

  readInto(target: Buffer, offset: number): void {
    requireInside(this.size, offset, target.length)
    const { length: seam } = this.#first
    const copied = offset < seam ? this.#first.copy(target, 0, offset) : 0
    if (copied < target.length) this.#second.copy(target, copied, offset + copied - seam)
  }

  close(): void {
    // Memory needs no closing.
  }
}

const firstWindowBytes = 8 << 10
const largestWindowBytes = 64 << 10

const noBytes = Buffer.alloc(0)
/** Windows of closed files, for the next ones: a new one for each file would cost more than reading its header. */
const idleWindows: Buffer[] = []
const mostIdleWindows = 8
/** Node hands out small buffers from a shared slab, in a fraction of the time of ones with memory of their own. */
const smallBytes = 1024

/** One window slides over the file. It grows while reading goes straight on and shrinks after a jump: what is jumped over is never read. */
export class FileSource implements ByteSource {
  readonly size: number
  buffer: Buffer
  #window = idleWindows.pop() ?? Buffer.alloc(largestWindowBytes)
  readonly #head: Buffer
  readonly #path: string
  readonly #isOurs: boolean
  #fd: number
  #windowStart = 0
  #windowEnd = 0
  #windowBytes = firstWindowBytes

  /**
   * @param fd the open file, where there is one: it stays the caller's, and `path` is its name in messages
   * @param head its first bytes, where somebody has them in memory; borrowed until `close`
   */
  constructor(path: string, fd?: number, head: Buffer = noBytes) {
    this.#path = path
    this.#head = head
    this.buffer = head
    this.#isOurs = fd === undefined
    try {
      // O_NONBLOCK: opening a FIFO that nobody writes to must not hang; it means nothing for files.
      this.#fd = fd ?? openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    } catch (error) {
      throw unreadable(path, error)
    }
    const stat = fstatSync(this.#fd)
    if (!stat.isFile()) {
      this.close()
      throw parseError(`not a regular file: ${path}`, 0)
    }
    this.size = stat.size
  }

  at(offset: number, length: number): number {
    if (offset + length <= this.#head.length) {
      this.buffer = this.#head
      return offset
    }
    this.#slide(offset, length)
    this.buffer = this.#window
    return offset - this.#windowStart
  }

  #slide(offset: number, length: number): void {
    if (offset >= this.#windowStart && offset + length <= this.#windowEnd) return
    requireInside(this.size, offset, length)
    const goesOn = offset >= this.#windowStart && offset <= this.#windowEnd
    this.#windowBytes = goesOn
      ? Math.min(this.#windowBytes * 2, largestWindowBytes)
      : firstWindowBytes
    const wanted = Math.min(Math.max(this.#windowBytes, length), this.size - offset)
    if (wanted > this.#window.length) this.#window = Buffer.alloc(wanted)
    this.#windowEnd = this.#windowStart = offset
    this.#fill(this.#window.subarray(0, wanted), offset)
    this.#windowEnd = offset + wanted
  }

  read(offset: number, length: number): Buffer {
    requireInside(this.size, offset, length)
    if (length > bufferLimits.MAX_LENGTH) {
      throw limitError(`a value of ${String(length)} bytes does not fit into memory`, offset)
    }
    const bytes = length <= smallBytes ? Buffer.allocUnsafe(length) : Buffer.allocUnsafeSlow(length)
    this.readInto(bytes, offset)
    return bytes
  }

  readInto(target: Buffer, offset: number): void {
    const { length } = target
    requireInside(this.size, offset, length)
    if (offset + length <= this.#head.length) {
      this.#head.copy(target, 0, offset, offset + length)
    } else if (offset >= this.#windowStart && offset + length <= this.#windowEnd) {
      const from = offset - this.#windowStart
      this.#window.copy(target, 0, from, from + length)
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
    if (this.#isOurs) closeSync(this.#fd)
    this.#fd = -1
    this.#windowEnd = this.#windowStart = 0
    const window = this.#window
    this.buffer = this.#window = noBytes
    if (window.length === largestWindowBytes && idleWindows.length < mostIdleWindows) {
      idleWindows.push(window)
    }
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
