import { createHash } from 'node:crypto'
import { constants, fchmod, read, readSync, writeSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { asStorageError } from '../intake/index.ts'
import type { ArchivePart } from '../storage/index.ts'
import { unreadable } from './file-trouble.ts'
import { descriptorPath, type SourceFile } from './source-file.ts'

/** Errors of a copy that the target is to blame for; all others come from reading the source. */
const targetErrors = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS'])
const chunkBytes = 1 << 20
/** Up to here turns through the thread pool cost more than the bytes: two calls instead of five turns. */
const smallBytes = 1 << 17
const readAt = promisify(read)
const chmodOpen = promisify(fchmod)

/**
 * The kernel copies: as a reflink where the file system can (no byte is written twice), else with
 * copy_file_range(2). The digest is then taken from the copy, so it tells what will be in the archive.
 * @throws FionaError E_FILE_READ, E_DISK_FULL, E_ARCHIVE_WRITE
 */
export async function copyIntoPart(source: SourceFile, part: ArchivePart): Promise<Copied> {
  return (source.size < smallBytes ? copySmall(source, part) : undefined) ?? copyLarge(source, part)
}

export interface Copied {
  /** Bytes of the copy. */
  readonly size: number
  readonly sha256: string
}

/** Undefined when the file has become longer meanwhile; nothing is written then. */
function copySmall(source: SourceFile, part: ArchivePart): Copied | undefined {
  const buffer = Buffer.allocUnsafe(source.size + 1)
  let size = 0
  try {
    for (let count = -1; count !== 0 && size < buffer.length; size += count) {
      count = readSync(source.fd, buffer, size, buffer.length - size, size)
    }
  } catch (error) {
    throw unreadable(source.path, error)
  }
  if (size === buffer.length) return undefined
  const bytes = buffer.subarray(0, size)
  try {
    for (let done = 0; done < size;) done += writeSync(part.fd, bytes, done, size - done, done)
  } catch (error) {
    throw asStorageError(error)
  }
  return { size, sha256: createHash('sha256').update(bytes).digest('hex') }
}

async function copyLarge(source: SourceFile, part: ArchivePart): Promise<Copied> {
  try {
    await copyFile(descriptorPath(source.fd), part.path, constants.COPYFILE_FICLONE)
  } catch (error) {
    const isTarget = targetErrors.has(String((error as NodeJS.ErrnoException).code))
    throw isTarget ? asStorageError(error) : unreadable(source.path, error)
  }
  // The copy took over the mode of the source: 0444 from a CD, 0777 from a stick.
  await chmodOpen(part.fd, 0o640)
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, source.size + 1))
  let size = 0
  for (;;) {
    const { bytesRead } = await readAt(part.fd, buffer, 0, buffer.length, size)
    if (bytesRead === 0) return { size, sha256: hash.digest('hex') }
    hash.update(buffer.subarray(0, bytesRead))
    size += bytesRead
  }
}
