import { closeSync, fstatSync, openSync, readSync, unlinkSync } from 'node:fs'
import type { DicomFile, OutPart } from '../../dicom/index.ts'
import { ExitCode, FionaError } from '../../error/index.ts'
import { writeAll } from '../../storage/index.ts'

/** So much is written at once: an object of up to that is one write(2), a larger one never in memory. */
export const pieceBytes = 1 << 20
const buffer = Buffer.allocUnsafeSlow(pieceBytes)
const other = Buffer.allocUnsafeSlow(pieceBytes)

/**
 * A new file, not yet on stable storage. Its descriptor is the caller's, to sync and close.
 * @throws FionaError of reading `file`; errors of the system are those of writing
 */
export function writeInPieces(path: string, parts: Iterable<OutPart>, file: DicomFile): number {
  const fd = openSync(path, 'wx', 0o640)
  try {
    pour(parts, file, buffer, (piece) => {
      writeAll(fd, piece)
      return true
    })
    return fd
  } catch (error) {
    closeSync(fd)
    // Half an object is nothing to look at.
    unlinkSync(path)
    throw error
  }
}

/** Is there a file with exactly these bytes? Its size, or undefined. Reading twice is cheaper than one fsync. */
export function sizeOfSame(
  path: string,
  parts: Iterable<OutPart>,
  file: DicomFile,
): number | undefined {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch {
    return undefined
  }
  try {
    const { size } = fstatSync(fd)
    let at = 0
    const same = pour(parts, file, buffer, (chunk) => {
      const there = other.subarray(0, chunk.length)
      for (let done = 0; done < there.length;) {
        const count = readSync(fd, there, done, there.length - done, at + done)
        if (count === 0) return false
        done += count
      }
      at += chunk.length
      return chunk.equals(there)
    })
    return same && at === size ? size : undefined
  } finally {
    closeSync(fd)
  }
}

/**
 * The bytes of `parts` through `memory`, one filling after the other.
 * @param take borrows what was filled until it returns; false ends it
 */
export function pour(
  parts: Iterable<OutPart>,
  file: DicomFile,
  memory: Buffer,
  take: (filled: Buffer) => boolean,
): boolean {
  let used = 0
  const flush = (): boolean => {
    const whole = used
    used = 0
    return whole === 0 || take(memory.subarray(0, whole))
  }
  for (const part of parts) {
    const { length } = part
    for (let at = 0; at < length;) {
      const size = Math.min(length - at, memory.length - used)
      readPart(part, file, memory.subarray(used, used + size), at)
      used += size
      at += size
      if (used === memory.length && !flush()) return false
    }
  }
  return flush()
}

/** The bytes of a part from there on, into all of `target`. */
export function readPart(part: OutPart, file: DicomFile, target: Buffer, at: number): void {
  if (Buffer.isBuffer(part)) part.copy(target, 0, at, at + target.length)
  else if ('readInto' in part) part.readInto(target, at)
  else file.rangeInto(target, part.offset + at)
}

/** Trouble with the outbox or the review folder, told without a path. */
export function writeError(error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException
  if (error instanceof FionaError || typeof code !== 'string' || syscall === undefined) return error
  return new FionaError(
    'E_OUTBOX_WRITE',
    `the outbox or the review folder cannot be used (${syscall}: ${code}); nothing of the study was delivered`,
    {
      hint: 'free space or correct the permissions, then replay the record',
      exitCode: ExitCode.cannotCreate,
      retryable: true,
      cause: error,
    },
  )
}
