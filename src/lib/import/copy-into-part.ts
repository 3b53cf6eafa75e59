import { createHash } from 'node:crypto'
import { constants, fchmod, read } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { asStorageError } from '../intake/index.ts'
import type { ArchivePart } from '../storage/index.ts'
import { unreadable } from './file-trouble.ts'
import { descriptorPath, type SourceFile } from './source-file.ts'

/** Errors of a copy that the target is to blame for; all others come from reading the source. */
const targetErrors = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS'])
const chunkBytes = 1 << 20
const readAt = promisify(read)
const chmodOpen = promisify(fchmod)

/**
 * The kernel copies: as a reflink where the file system can (no byte is written twice), else with
 * copy_file_range(2). The digest is then taken from the copy, so it tells what will be in the archive.
 * @throws FionaError E_FILE_READ, E_DISK_FULL, E_ARCHIVE_WRITE
 */
export async function copyIntoPart(
  source: SourceFile,
  part: ArchivePart,
): Promise<{ size: number; sha256: string }> {
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
