import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { ExitCode, FionaError } from '../error/index.ts'
import { encodeDataHeader, pduHeaderBytes, pdvHeaderBytes } from './pdu/index.ts'

/** What is read from the file and written to the connection at once. */
const batchBytes = 1 << 18
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

  /** @param fragmentBytes the most that the peer takes in one PDU; kept even, as fragments are in PS3.8 annex E */
  constructor(fragmentBytes: number) {
    this.#fragmentBytes = fragmentBytes > 1 ? fragmentBytes & ~1 : fragmentBytes
    const pdu = headerBytes + this.#fragmentBytes
    this.#pdus = Math.max(1, Math.min(mostPdus, Math.floor(batchBytes / pdu)))
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

/**
 * The data set of a file as PDUs, from where it begins to the end of the file.
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
  const handle = await openFile(file.path)
  try {
    const { size } = await handle.stat()
    let at = file.dataSetOffset
    if (seen !== undefined) {
      const head = Buffer.allocUnsafe(at)
      await fill(handle, [head], 0)
      seen(head)
    }
    do {
      const { gaps, bytes, pdus } = frames.frame(contextId, Math.max(0, size - at))
      await fill(handle, gaps, at)
      if (seen !== undefined) gaps.forEach(seen)
      await write(pdus)
      at += bytes
    } while (at < size)
  } finally {
    await handle.close()
  }
}

/** A symbolic link is not followed: what it points at now is not what was looked at before. */
async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    throw unreadable(`cannot be opened (${String((error as NodeJS.ErrnoException).code)})`, error)
  }
}

async function fill(handle: FileHandle, gaps: readonly Buffer[], from: number): Promise<void> {
  let position = from
  let empty = gaps.filter(({ length }) => length > 0)
  while (empty.length > 0) {
    let { bytesRead } = await handle.readv(empty, position).catch((error: unknown) => {
      throw unreadable(`cannot be read (${String((error as NodeJS.ErrnoException).code)})`, error)
    })
    if (bytesRead === 0) throw unreadable('became shorter while it was sent')
    position += bytesRead
    while (bytesRead > 0 && empty[0] !== undefined && bytesRead >= empty[0].length) {
      bytesRead -= empty[0].length
      empty = empty.slice(1)
    }
    if (bytesRead > 0) empty = empty.map((gap, i) => (i === 0 ? gap.subarray(bytesRead) : gap))
  }
}

function unreadable(what: string, cause?: unknown): FionaError {
  return new FionaError('E_FILE_READ', `a file to be sent ${what}`, {
    exitCode: ExitCode.badInput,
    cause,
  })
}
