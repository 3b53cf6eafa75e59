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
    this.#buffer = Buffer.allocUnsafeSlow(this.#pdus * pdu)
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

/** A data set that is made while it is sent, converted from a file, say. */
export interface MadeDataSet {
  /** Even (PS3.5 7.1.1). */
  readonly length: number
  /** The next bytes, into all of `target`. @throws FionaError when it cannot be made */
  readInto(target: Buffer): void
}

/**
 * The data set of a file as PDUs, from where it begins to the end of the file.
 *
 * The file is read synchronously: four turns through the thread pool cost as much as sending a CT slice
 * (measured on loopback, 512 KiB objects: 1.3 ms each with them, 0.9 ms without).
 * @param write resolves when the bytes were taken: backpressure, and the buffer is free again
 * @param seen is shown all bytes of the file, on their way: first what stands before the data set, which
 *   is not sent; borrowed
 * @throws FionaError E_FILE_READ when the file cannot be read, or shrinks while it is sent
 */
export async function sendDataSet(
  file: { readonly path: string; readonly dataSetOffset: number },
  contextId: number,
  frames: DataFrames,
  write: (pdus: Buffer) => Promise<void>,
  seen?: (bytes: Buffer) => void,
): Promise<void> {
  // A symbolic link is not followed: what it points at now is not what was looked at before.
  const fd = readToSend(() => openSync(file.path, constants.O_RDONLY | constants.O_NOFOLLOW))
  try {
    const { size } = fstatSync(fd)
    const start = file.dataSetOffset
    if (seen !== undefined) {
      const head = Buffer.allocUnsafe(start)
      fill(fd, [head], 0)
      seen(head)
    }
    // Only a deflated data set can be odd, and should have been padded by its writer (PS3.5 A.5). Some
    // are not, and peers abort (DCMTK) when they get a fragment of odd length.
    const bytes = Math.max(0, size - start)
    await sendPieces(contextId, bytes + (bytes % 2), frames, write, (gaps, at) => {
      if (at + sum(gaps) > bytes) padLast(gaps)
      fill(fd, gaps, start + at)
      return seen
    })
  } finally {
    closeSync(fd)
  }
}

/** The same for a data set that is made. @throws what making it throws */
export async function sendMadeDataSet(
  made: MadeDataSet,
  contextId: number,
  frames: DataFrames,
  write: (pdus: Buffer) => Promise<void>,
): Promise<void> {
  await sendPieces(contextId, made.length, frames, write, (gaps) => {
    for (const gap of gaps) made.readInto(gap)
    return undefined
  })
}

/** @param fillGaps gets the bytes from there on; what it returns is shown the gaps on their way */
async function sendPieces(
  contextId: number,
  length: number,
  frames: DataFrames,
  write: (pdus: Buffer) => Promise<void>,
  fillGaps: (gaps: Buffer[], at: number) => ((gap: Buffer) => void) | undefined,
): Promise<void> {
  let at = 0
  do {
    const { gaps, bytes, pdus } = frames.frame(contextId, length - at)
    const seen = fillGaps(gaps, at)
    const written = write(pdus)
    // While the kernel and the peer are busy with them.
    if (seen !== undefined) gaps.forEach(seen)
    await written
    at += bytes
  } while (at < length)
}

function sum(gaps: readonly Buffer[]): number {
  return gaps.reduce((bytes, gap) => bytes + gap.length, 0)
}

/** The last byte of the last gap does not come from the file. */
function padLast(gaps: Buffer[]): void {
  const last = gaps.pop()
  if (last === undefined) return
  last[last.length - 1] = 0
  gaps.push(last.subarray(0, -1))
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
