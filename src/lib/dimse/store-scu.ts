import { closeSync, constants, fstatSync, openSync, readvSync } from 'node:fs'
import { readToSend, unreadableToSend } from '../storage/index.ts'
import { encodeDataHeader, pduHeaderBytes, pdvHeaderBytes } from './pdu/index.ts'

/** What is read from the file and written to the connection at once. */
const batchBytes = 1 << 20
/** preadv(2) takes 1024 at most; more than this gains nothing. */
const mostPdus = 64
const headerBytes = pduHeaderBytes + pdvHeaderBytes

/**
 * A buffer in which the headers of P-DATA-TF PDUs stand ready and a file is read into the gaps between
 * them: one read and one write move many PDUs, and no byte is copied. Used again for every object of
 * an association.
 */
export class DataFrames {
  readonly #buffer: Buffer
  readonly #fragmentBytes: number
  readonly #pdus: number

  /**
   * @param fragmentBytes the most that the peer takes in one PDU; kept even, as fragments are in PS3.8 annex E
   * @param mostBytes what goes out at once, but for one PDU, which always does
   */
  constructor(fragmentBytes: number, mostBytes = batchBytes) {
    this.#fragmentBytes = fragmentBytes > 1 ? fragmentBytes & ~1 : fragmentBytes
    const pdu = headerBytes + this.#fragmentBytes
    this.#pdus = Math.max(1, Math.min(mostPdus, Math.floor(mostBytes / pdu)))
    // Shared, so that another thread can hash what stands there.
    this.#buffer = Buffer.from(new SharedArrayBuffer(this.#pdus * pdu))
  }

  /**
   * Frames for the next bytes of a data set.
   * @param remaining bytes that are still to come; 0 makes one empty fragment
   * @returns the gaps to fill, in order, how many bytes they take, and the PDUs around them
   */
  frame(
    contextId: number,
    remaining: number,
  ): { readonly gaps: Buffer[]; readonly bytes: number; readonly pdus: Buffer } {
    const gaps: Buffer[] = []
    let bytes = 0
    let at = 0
    do {
      const length = Math.min(this.#fragmentBytes, remaining - bytes)
      const isLast = bytes + length === remaining
      const header = encodeDataHeader({ contextId, isCommand: false, isLast }, length)
      header.copy(this.#buffer, at)
      gaps.push(this.#buffer.subarray(at + headerBytes, at + headerBytes + length))
      at += headerBytes + length
      bytes += length
    } while (bytes < remaining && gaps.length < this.#pdus)
    return { gaps, bytes, pdus: this.#buffer.subarray(0, at) }
  }
}

/** Where the bytes of a data set come from, piece by piece, from its beginning to its end. */
export interface DataSetSource extends Disposable {
  /** Of the data set; even. */
  readonly length: number
  /**
   * The bytes from there on into all gaps.
   * @returns what else is to be shown the bytes on their way, borrowed: for a digest of the file
   */
  fill(gaps: readonly Buffer[], at: number): readonly Buffer[]
}

/**
 * The data set of a file, from where it begins to the end of the file.
 *
 * The file is read synchronously: four turns through the thread pool cost as much as sending a CT slice
 * (measured on loopback, 512 KiB objects: 1.3 ms each with them, 0.9 ms without).
 * @throws FionaError E_FILE_READ when the file cannot be read, or shrinks while it is sent
 */
export class FileDataSet implements DataSetSource {
  readonly length: number
  readonly #fd: number
  readonly #start: number
  /** Without what pads it. */
  readonly #bytes: number

  constructor({ path, dataSetOffset }: { readonly path: string; readonly dataSetOffset: number }) {
    // A symbolic link is not followed: what it points at now is not what was looked at before.
    this.#fd = readToSend(() => openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW))
    this.#start = dataSetOffset
    this.#bytes = Math.max(0, fstatSync(this.#fd).size - dataSetOffset)
    // Only a deflated data set can be odd, and should have been padded by its writer (PS3.5 A.5). Some
    // are not, and peers abort (DCMTK) when they get a fragment of odd length.
    this.length = this.#bytes + (this.#bytes % 2)
  }

  /** @returns the bytes of the file; the first time also what stands before the data set */
  fill(gaps: readonly Buffer[], at: number): readonly Buffer[] {
    const own = at + sum(gaps) > this.#bytes ? padLast(gaps) : gaps
    const all = at === 0 ? [Buffer.from(new SharedArrayBuffer(this.#start)), ...own] : own
    fill(this.#fd, all, at === 0 ? 0 : this.#start + at)
    return all
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }
}

/**
 * Shown the bytes of a file on their way, in the order of the file.
 * @param isLast nothing follows
 * @returns resolves when nobody looks at them any more
 */
export type Onlooker = (bytes: readonly Buffer[], isLast: boolean) => Promise<unknown>

/**
 * A data set on its way. What goes out first stands ready in its frames from the beginning, so that it can be read
 * while the peer still thinks about the object before.
 */
export class OutgoingDataSet implements Disposable {
  readonly #source: DataSetSource
  readonly #contextId: number
  readonly #frames: DataFrames
  #at = 0
  #isClosed = false
  #isSeen: Promise<unknown> | undefined
  #piece: { readonly pdus: Buffer; readonly bytes: number; readonly shown: readonly Buffer[] }

  /**
   * @param source closed with this
   * @param frames nobody else uses them meanwhile
   * @throws what reading the first piece throws
   */
  constructor(source: DataSetSource, contextId: number, frames: DataFrames) {
    this.#source = source
    this.#contextId = contextId
    this.#frames = frames
    try {
      this.#piece = this.#read()
    } catch (error) {
      source[Symbol.dispose]()
      throw error
    }
  }

  /**
   * @param write resolves when the bytes were taken: backpressure, and the buffer is free again
   * @param seen is shown what `fill` returned, on its way
   * @returns resolves when all was taken; what was sent last may still be looked at
   * @throws what reading the pieces or writing throws, or looking at all but the last
   */
  async send(write: (pdus: Buffer) => Promise<void>, seen?: Onlooker): Promise<void> {
    for (;;) {
      const written = write(this.#piece.pdus)
      const isLast = this.#at + this.#piece.bytes >= this.#source.length
      // While the kernel and the peer are busy with them.
      this.#isSeen = seen?.(this.#piece.shown, isLast)
      // Where writing fails as well, that is what is told.
      this.#isSeen?.catch(() => undefined)
      await written
      if (isLast) return
      await this.#isSeen
      this.#at += this.#piece.bytes
      this.#piece = this.#read()
    }
  }

  /** Resolves when nobody looks at what was sent last any more, and the frames are free. @throws what looking did */
  async isSeen(): Promise<void> {
    await this.#isSeen
  }

  [Symbol.dispose](): void {
    if (!this.#isClosed) this.#source[Symbol.dispose]()
    this.#isClosed = true
  }

  #read() {
    const remaining = this.#source.length - this.#at
    const { gaps, bytes, pdus } = this.#frames.frame(this.#contextId, remaining)
    return { pdus, bytes, shown: this.#source.fill(gaps, this.#at) }
  }
}

function sum(gaps: readonly Buffer[]): number {
  return gaps.reduce((bytes, gap) => bytes + gap.length, 0)
}

/** The last byte of the last gap does not come from the file. @returns the gaps without it */
function padLast(gaps: readonly Buffer[]): readonly Buffer[] {
  const last = gaps.at(-1)
  if (last === undefined) return gaps
  last[last.length - 1] = 0
  return [...gaps.slice(0, -1), last.subarray(0, -1)]
}

function fill(fd: number, gaps: readonly Buffer[], from: number): void {
  let position = from
  let empty = gaps.filter(({ length }) => length > 0)
  while (empty.length > 0) {
    let bytes = readToSend(() => readvSync(fd, empty, position))
    if (bytes === 0) throw unreadableToSend('became shorter while it was sent')
    position += bytes
    while (bytes > 0 && empty[0] !== undefined && bytes >= empty[0].length) {
      bytes -= empty[0].length
      empty = empty.slice(1)
    }
    if (bytes > 0) empty = empty.map((gap, i) => (i === 0 ? gap.subarray(bytes) : gap))
  }
}
