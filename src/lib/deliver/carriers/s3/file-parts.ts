import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { WebBody } from '../../../dicomweb/index.ts'
import { unreadableToSend } from '../../../storage/index.ts'
import type { Throttle } from '../../throttle.ts'

const blockBytes = 256 << 10
/** More parts no store takes. */
const mostParts = 10_000

/** A piece of a file that goes in one request. */
export interface FilePart {
  readonly offset: number
  readonly length: number
  /** Hex. */
  readonly sha256: string
  /** Hex. */
  readonly md5: string
}

/** A file that is to be sent, held open from when it was looked at until it has gone. */
export class FileInParts implements AsyncDisposable {
  readonly size: number
  /** Of the whole file, hex. */
  readonly sha256: string
  /** One for a file that is small enough. */
  readonly parts: readonly FilePart[]
  readonly #file: FileHandle

  private constructor(file: FileHandle, size: number, sha256: string, parts: readonly FilePart[]) {
    this.#file = file
    this.size = size
    this.sha256 = sha256
    this.parts = parts
  }

  /**
   * Reads it once, as sums are signed before anything goes.
   * @param size as it was looked at
   * @throws FionaError E_FILE_READ
   */
  static async open(path: string, size: number, partBytes: number): Promise<FileInParts> {
    // A symbolic link is not followed: what it points at now is not what was looked at before.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW
    const file = await open(path, flags).catch(unreadable)
    try {
      const stats = await file.stat()
      if (stats.size !== size) throw unreadableToSend('was changed before it was sent')
      const whole = createHash('sha256')
      const parts: FilePart[] = []
      const most = Math.max(partBytes, Math.ceil(size / mostParts))
      for (let offset = 0; offset < size; offset += most) {
        const length = Math.min(most, size - offset)
        const sha256 = createHash('sha256')
        const md5 = createHash('md5')
        for await (const bytes of blocksOf(file, { offset, length }, blockBytes)) {
          whole.update(bytes)
          sha256.update(bytes)
          md5.update(bytes)
        }
        parts.push({ offset, length, sha256: sha256.digest('hex'), md5: md5.digest('hex') })
      }
      return new FileInParts(file, size, whole.digest('hex'), parts)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  bodyOf(part: FilePart, throttle: Throttle, signal: AbortSignal): WebBody {
    return {
      contentType: 'application/dicom',
      length: part.length,
      write: async (take) => {
        const most = Math.min(blockBytes, throttle.pieceBytes)
        for await (const bytes of blocksOf(this.#file, part, most)) {
          await throttle.take(bytes.length, signal)
          await take(bytes)
        }
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}

/** Each is overwritten by the next. */
async function* blocksOf(
  file: FileHandle,
  { offset, length }: { readonly offset: number; readonly length: number },
  most: number,
): AsyncGenerator<Buffer, void, undefined> {
  const block = Buffer.allocUnsafe(Math.min(most, length))
  for (let at = 0; at < length;) {
    const bytes = Math.min(block.length, length - at)
    const { bytesRead } = await file.read(block, 0, bytes, offset + at).catch(unreadable)
    if (bytesRead === 0) throw unreadableToSend('became shorter while it was sent')
    yield block.subarray(0, bytesRead)
    at += bytesRead
  }
}

function unreadable(cause: unknown): never {
  throw unreadableToSend(`cannot be read (${String((cause as NodeJS.ErrnoException).code)})`, cause)
}
