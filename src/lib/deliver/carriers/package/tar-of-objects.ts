import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { Header } from 'tar'
import { readToSend, unreadableToSend } from '../../../storage/index.ts'
import type { StudyObject } from '../../list-objects.ts'

const blockBytes = 512
const chunkBytes = 256 << 10

/**
 * A tar file (POSIX.1-1988 ustar) of objects, `<StudyInstanceUID>/<SeriesInstanceUID>/<SOPInstanceUID>.dcm`, read while
 * it is made. The same objects make the same bytes, whoever makes them and when: no dates, no owners, sorted names.
 * @param digests gets the SHA-256 of each file, hex
 * @throws FionaError E_FILE_READ; `onObject` was told which one it is
 */
export async function* tarOfObjects(
  objects: readonly StudyObject[],
  digests: Map<StudyObject, string>,
  onObject: (object: StudyObject) => void,
): AsyncGenerator<Buffer, void, undefined> {
  const sorted = objects.toSorted((a, b) => (nameIn(a) < nameIn(b) ? -1 : 1))
  for (const object of sorted) {
    onObject(object)
    yield headerOf(object)
    yield* contentsOf(object, digests)
    const rest = object.size % blockBytes
    if (rest > 0) yield Buffer.alloc(blockBytes - rest)
  }
  // The end of the archive is two empty blocks.
  yield Buffer.alloc(2 * blockBytes)
}

function nameIn({ StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID }: StudyObject): string {
  return `${StudyInstanceUID}/${SeriesInstanceUID}/${SOPInstanceUID}.dcm`
}

function headerOf(object: StudyObject): Buffer {
  const header = new Header({
    path: nameIn(object),
    type: 'File',
    size: object.size,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: new Date(0),
  })
  const block = Buffer.alloc(blockBytes)
  if (header.encode(block)) throw new Error(`a name of UIDs is too long for tar: ${nameIn(object)}`)
  return block
}

async function* contentsOf(
  object: StudyObject,
  digests: Map<StudyObject, string>,
): AsyncGenerator<Buffer, void, undefined> {
  // A symbolic link is not followed: what it points at now is not what was looked at before.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW
  const file = await open(object.path, flags).catch(unreadable)
  try {
    const { size } = await file.stat()
    if (size !== object.size) throw unreadableToSend('was changed before it was sent')
    const hash = createHash('sha256')
    for (let at = 0; at < size;) {
      // Another one each time: whoever compresses it may still have the last.
      const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, size - at))
      const { bytesRead } = await file.read(chunk, 0, chunk.length, at).catch(unreadable)
      if (bytesRead === 0) throw unreadableToSend('became shorter while it was sent')
      const bytes = chunk.subarray(0, bytesRead)
      hash.update(bytes)
      yield bytes
      at += bytesRead
    }
    digests.set(object, hash.digest('hex'))
  } finally {
    await file.close()
  }
}

function unreadable(cause: unknown): never {
  return readToSend(() => {
    throw cause
  })
}
