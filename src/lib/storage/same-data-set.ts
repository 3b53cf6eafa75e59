import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'

const chunkBytes = 1 << 18

/**
 * Do two Part 10 files hold the same data set, byte for byte? What comes before it (preamble, file
 * meta: sender, implementation) is not compared. Two names of one file need not be read.
 * @param knownOffset where the data set begins in `a`, unless its header is to tell
 * @param b not followed where it is a symbolic link: that is no file of ours, and another one
 */
export async function sameDataSet(
  a: string,
  knownOffset: number | undefined,
  b: string,
): Promise<boolean> {
  const fileB = await openUnlinked(b)
  if (fileB === undefined) return false
  let fileA: FileHandle | undefined
  try {
    fileA = await open(a, 'r')
    const [{ size: sizeA, ...statA }, { size: sizeB, ...statB }] = [
      await fileA.stat(),
      await fileB.stat(),
    ]
    if (statA.ino === statB.ino && statA.dev === statB.dev) return true
    const offsetA = knownOffset ?? (await dataSetOffset(fileA))
    const offsetB = await dataSetOffset(fileB)
    if (offsetA === undefined || offsetB === undefined || sizeA - offsetA !== sizeB - offsetB)
      return false
    const [left, right] = [Buffer.allocUnsafe(chunkBytes), Buffer.allocUnsafe(chunkBytes)]
    for (let at = 0; at < sizeA - offsetA;) {
      const [readA, readB] = await Promise.all([
        fileA.read(left, 0, chunkBytes, offsetA + at),
        fileB.read(right, 0, chunkBytes, offsetB + at),
      ])
      const bytes = Math.min(readA.bytesRead, readB.bytesRead)
      if (bytes === 0 || left.compare(right, 0, bytes, 0, bytes) !== 0) return false
      at += bytes
    }
    return true
  } finally {
    await Promise.all([fileA?.close(), fileB.close()])
  }
}

async function openUnlinked(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') return undefined
    throw error
  }
}

/** From (0002,0000) FileMetaInformationGroupLength, PS3.10 7.1; undefined when the file has none. */
async function dataSetOffset(file: FileHandle): Promise<number | undefined> {
  const head = Buffer.alloc(144)
  const { bytesRead } = await file.read(head, 0, 144, 0)
  if (bytesRead < 144 || head.toString('latin1', 128, 132) !== 'DICM') return undefined
  if (head.readUInt32LE(132) !== 0x00000002 || head.toString('latin1', 136, 138) !== 'UL')
    return undefined
  return 144 + head.readUInt32LE(140)
}
