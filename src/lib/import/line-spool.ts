import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { makeDirectories, syncDirectory } from '../storage/index.ts'

const segmentBytes = 1 << 22
const chunkBytes = 1 << 16
const digits = 16
/** Behind the place: whether a line begins there. */
const [atLine, withinLine] = ['\n', '+']

interface Segment {
  readonly path: string
  /** Where its first byte stands in all that was ever put. */
  readonly begin: number
  end: number
}

/**
 * What was taken out of a pipe, byte for byte, until it has taken effect: the kernel gives each byte once, so
 * whoever reads it and dies would have lost it. Files, each named by the place of its first byte, and the place
 * up to which everything is done. Both are in the page cache when a call returns, which outlives any process;
 * the disk follows a moment later. The place may be behind, never ahead: what is done twice is harmless.
 */
export class LineSpool {
  readonly #directory: string
  readonly #isSynced: boolean
  readonly #positionFd: number
  readonly #segments: Segment[]
  #position: number
  #isWithinLongLine: boolean
  #readAt: number
  #reading: { readonly segment: Segment; readonly fd: number } | undefined
  #writing: { readonly segment: Segment; readonly fd: number } | undefined
  #isSyncing = false
  #isDirty = false
  #isClosed = false

  private constructor(directory: string, isSynced: boolean) {
    this.#directory = directory
    this.#isSynced = isSynced
    this.#segments = readdirSync(directory)
      .filter((name) => /^\d{16}\.lines$/.test(name))
      .sort()
      .map((name) => {
        const path = join(directory, name)
        const begin = Number.parseInt(name, 10)
        return { path, begin, end: begin + statSync(path).size }
      })
    const place = join(directory, 'done')
    const done = readPlace(place)
    this.#position = Math.max(done.place, this.#segments[0]?.begin ?? 0)
    this.#isWithinLongLine = done.isWithinLongLine && done.place === this.#position
    this.#readAt = this.#position
    this.#positionFd = openSync(place, constants.O_RDWR | constants.O_CREAT, 0o600)
    this.#removeDone()
  }

  /** One process at a time: the caller holds a lease. */
  static async open(directory: string, { isSynced }: { isSynced: boolean }): Promise<LineSpool> {
    await makeDirectories(directory, { mode: 0o700 })
    const spool = new LineSpool(directory, isSynced)
    spool.#beginEarly()
    return spool
  }

  /** Up to where everything is done. */
  get position(): number {
    return this.#position
  }
  /** What stands there is the rest of a line that was told as too long. */
  get isWithinLongLine(): boolean {
    return this.#isWithinLongLine
  }
  /** The place of what `next` gives. */
  get readAt(): number {
    return this.#readAt
  }
  get end(): number {
    return Math.max(this.#position, this.#segments.at(-1)?.end ?? 0)
  }
  /** What `next` has still to give. Not what is done: within a line without end nothing ever is. */
  get unreadBytes(): number {
    return this.end - Math.max(this.#readAt, this.#position)
  }

  /** The last byte that was put and is not done; undefined when all is done. */
  lastByte(): number | undefined {
    const last = this.#segments.findLast(({ begin, end }) => end > begin)
    if (last === undefined || last.end <= this.#position) return undefined
    const byte = Buffer.alloc(1)
    const fd = openSync(last.path, 'r')
    readSync(fd, byte, 0, 1, last.end - last.begin - 1)
    closeSync(fd)
    return byte[0]
  }

  /** All of it or nothing. @throws the error of write(2), ENOSPC for one */
  put(bytes: Buffer): void {
    const { segment, fd } = (this.#writing ??= this.#begin())
    const at = segment.end - segment.begin
    try {
      for (let done = 0; done < bytes.length;) {
        done += writeSync(fd, bytes, done, bytes.length - done, at + done)
      }
    } catch (error) {
      ftruncateSync(fd, at)
      throw error
    }
    segment.end += bytes.length
    this.#sync()
    if (segment.end - segment.begin >= segmentBytes) {
      this.#endSegment()
      this.#beginEarly()
    }
  }

  /** Bytes that were not read yet, in a buffer of their own; undefined when there are none. */
  next(): Buffer | undefined {
    const segment = this.#segments.find(({ end }) => end > this.#readAt)
    if (segment === undefined) return undefined
    // After a power loss the place may be known and the bytes before it not: they were done.
    this.#readAt = Math.max(this.#readAt, segment.begin)
    if (this.#reading?.segment !== segment) {
      if (this.#reading !== undefined) closeSync(this.#reading.fd)
      this.#reading = { segment, fd: openSync(segment.path, 'r') }
    }
    const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, segment.end - this.#readAt))
    const bytes = readSync(this.#reading.fd, buffer, 0, buffer.length, this.#readAt - segment.begin)
    this.#readAt += bytes
    return buffer.subarray(0, bytes)
  }

  /** Everything before that place has taken effect. */
  reached(place: number, isWithinLongLine = false): void {
    if (this.#isClosed || place <= this.#position) return
    this.#position = place
    this.#isWithinLongLine = isWithinLongLine
    const text = `${String(place).padStart(digits, '0')}${isWithinLongLine ? withinLine : atLine}`
    writeSync(this.#positionFd, text, 0)
    this.#removeDone()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#writing !== undefined && this.#isSynced) fdatasyncSync(this.#writing.fd)
    this.#endSegment()
    if (this.#reading !== undefined) closeSync(this.#reading.fd)
    this.#reading = undefined
    this.#removeDone()
    closeSync(this.#positionFd)
  }

  #begin(): { segment: Segment; fd: number } {
    const begin = this.end
    const path = join(this.#directory, `${String(begin).padStart(digits, '0')}.lines`)
    const fd = openSync(path, 'w', 0o600)
    const segment = { path, begin, end: begin }
    // An empty one of the same name, left by a predecessor, is this one now.
    if (this.#segments.at(-1)?.path === path) this.#segments.pop()
    this.#segments.push(segment)
    if (this.#isSynced) syncDirectory(this.#directory).catch(() => undefined)
    return { segment, fd }
  }

  /** Before there is anything to put: what was read and is not on disk yet should be so for a short time only. */
  #beginEarly(): void {
    try {
      this.#writing ??= this.#begin()
    } catch {
      // Then whoever puts next hears of it.
    }
  }

  #endSegment(): void {
    if (this.#writing !== undefined) closeSync(this.#writing.fd)
    this.#writing = undefined
  }

  #removeDone(): void {
    for (;;) {
      const first = this.#segments[0]
      if (first === undefined || first.end > this.#position) return
      if (first === this.#writing?.segment) return
      this.#segments.shift()
      if (this.#reading?.segment === first) {
        closeSync(this.#reading.fd)
        this.#reading = undefined
      }
      rmSync(first.path, { force: true })
    }
  }

  /** One sync at a time, behind the back of those who put: nobody is answered, so nobody waits. */
  #sync(): void {
    this.#isDirty = true
    if (!this.#isSynced || this.#isSyncing || this.#writing === undefined) return
    this.#isSyncing = true
    this.#isDirty = false
    const fd = openSync(this.#writing.segment.path, 'r+')
    fdatasync(fd, () => {
      closeSync(fd)
      this.#isSyncing = false
      if (this.#isDirty) this.#sync()
    })
  }
}

/** Zero where there is none, or a power loss left something else. */
function readPlace(path: string): { place: number; isWithinLongLine: boolean } {
  let text = ''
  try {
    text = readFileSync(path, 'latin1')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  if (!/^\d{16}[\n+]$/.test(text)) return { place: 0, isWithinLongLine: false }
  return { place: Number.parseInt(text, 10), isWithinLongLine: text.endsWith(withinLine) }
}
