import { write, writev } from 'node:fs'
import { promisify } from 'node:util'
import type { ArchivePart } from '../storage/index.ts'

const writeMany = promisify(writev)
const writeOne = promisify(write)

/**
 * Writes pieces one behind the other, from `position`, in the thread pool.
 * @param isDirect past the kernel's cache: everything begins and ends where a disk block does
 * @throws the error of the operating system
 */
export async function writePieces(
  part: ArchivePart,
  pieces: readonly Buffer[],
  position: number,
  isDirect: boolean,
): Promise<void> {
  const direct = isDirect ? part.direct() : undefined
  let written = 0
  try {
    written = (await writeMany(direct ?? part.fd, pieces, position)).bytesWritten
  } catch (error) {
    // Some file systems say only now that they cannot do it this way.
    if (direct === undefined || (error as NodeJS.ErrnoException).code !== 'EINVAL') throw error
  }
  // A call may write less than all; why (a full disk), the next one says.
  let at = 0
  for (const piece of pieces) {
    for (let done = Math.max(0, written - at); done < piece.length;) {
      const { bytesWritten } = await writeOne(
        part.fd,
        piece,
        done,
        piece.length - done,
        position + at + done,
      )
      done += bytesWritten
    }
    at += piece.length
  }
}
