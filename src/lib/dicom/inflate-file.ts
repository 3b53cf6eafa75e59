import { read, write } from 'node:fs'
import { Readable, Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createInflateRaw } from 'node:zlib'
import { FileSource } from './byte-source.ts'
import { type FileHead, mostInflatedBytes, readFileHead } from './part10.ts'
import { limitError, parseError } from './trouble.ts'

const readAt = promisify(read)
const writeAt = promisify(write)
const chunkBytes = 64 << 10

/**
 * Whether the data set of this open file is deflated (PS3.5 A.5).
 * @param head its first bytes, where they are in memory
 * @throws FionaError E_DICOM_PARSE
 */
export function isDeflated(fd: number, name: string, head?: Buffer): boolean {
  return headOf(fd, name, head).deflated
}

/**
 * Writes a file whose data set is deflated into another one, inflated, for `DicomFile.fromDescriptor`: half a
 * megabyte may stand for five hundred, which must neither be in memory nor hold up everybody else.
 * @throws FionaError E_DICOM_PARSE, E_DICOM_LIMIT; whatever writing throws
 */
export async function inflateFile(fd: number, into: number, name: string): Promise<void> {
  const { dataSetOffset } = headOf(fd, name)
  const head = Buffer.alloc(dataSetOffset)
  await readAt(fd, head, 0, dataSetOffset, 0)
  let position = 0
  const append = async (bytes: Buffer): Promise<void> => {
    for (let done = 0; done < bytes.length;) {
      const left = bytes.length - done
      const { bytesWritten } = await writeAt(into, bytes, done, left, position)
      done += bytesWritten
      position += bytesWritten
    }
  }
  await append(head)
  const limit = new Transform({
    transform: (chunk: Buffer, _, done) => {
      if (position + chunk.length - dataSetOffset <= mostInflatedBytes) done(null, chunk)
      else {
        const message = `the data set inflates to more than ${String(mostInflatedBytes)} bytes`
        done(limitError(message, dataSetOffset))
      }
    },
  })
  const output = new Writable({
    write: (chunk: Buffer, _, done) => {
      append(chunk).then(
        () => {
          done()
        },
        (error: unknown) => {
          done(error as Error)
        },
      )
    },
  })
  try {
    await pipeline(
      Readable.from(chunksFrom(fd, dataSetOffset)),
      createInflateRaw({ chunkSize: 4 * chunkBytes }),
      limit,
      output,
    )
  } catch (error) {
    const isOfZlib = error instanceof Error && 'code' in error && /^Z_/.test(String(error.code))
    if (!isOfZlib) throw error
    throw parseError('the deflated data set does not inflate', dataSetOffset, error)
  }
}

async function* chunksFrom(fd: number, start: number): AsyncGenerator<Buffer> {
  for (let at = start; ;) {
    const chunk = Buffer.allocUnsafe(chunkBytes)
    const { bytesRead } = await readAt(fd, chunk, 0, chunkBytes, at)
    if (bytesRead === 0) return
    at += bytesRead
    yield chunk.subarray(0, bytesRead)
  }
}

function headOf(fd: number, name: string, head?: Buffer): FileHead {
  const source = new FileSource(name, fd, head)
  try {
    return readFileHead(source)
  } finally {
    source.close()
  }
}
