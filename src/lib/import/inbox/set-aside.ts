import type { FionaError } from '../../error/index.ts'
import type { Intake } from '../../intake/index.ts'
import { copyIntoPart } from '../copy-into-part.ts'
import type { FileEntry } from '../entry.ts'
import { shownPath } from '../file-path.ts'
import { SourceFile } from '../source-file.ts'

/**
 * Moves a file into the quarantine, where its reason lies beside it: copied first, removed when the copy is
 * safe, and only if nobody has written to it meanwhile.
 * @returns where it lies now
 * @throws FionaError E_FILE_CHANGED, E_FILE_READ, E_FILE_REMOVE, E_DISK_FULL, E_ARCHIVE_WRITE
 */
export async function setAside(
  intake: Intake,
  entry: FileEntry,
  reason: FionaError | string,
): Promise<string> {
  const file = new SourceFile(entry.path)
  try {
    file.requirePlace()
    const part = await intake.begin()
    let copied
    try {
      copied = await copyIntoPart(file, part)
    } catch (error) {
      await part.discard()
      throw error
    }
    const place = await intake.quarantine(part, reason, { path: shownPath(file.path), ...copied })
    await file.remove()
    return place
  } finally {
    file.close()
  }
}
