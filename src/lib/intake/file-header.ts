import { createHash } from 'node:crypto'
import { read, write } from 'node:fs'
import { promisify } from 'node:util'
import { type DicomFile, encodeFileMeta } from '../dicom/index.ts'
import type { InstanceRecord } from '../record/index.ts'
import type { ArchivePart } from '../storage/index.ts'

const groupLength = 0x00020000
const transferSyntax = 0x00020010
const sourceApplication = 0x00020016
const chunkBytes = 1 << 20
const readAt = promisify(read)
const writeAt = promisify(write)

/**
 * Whether any reader finds the data set: preamble and prefix, file meta information in explicit VR with its
 * true length, and a transfer syntax (PS3.10 7.1). Such a file is stored as it came.
 */
export function hasFileHeader(file: DicomFile): boolean {
  const first = file.meta.elements[0]
  return (
    file.meta.explicitVR &&
    first?.tag === groupLength &&
    first.offset === 140 &&
    file.numbers(file.meta, groupLength)[0] === file.dataSetOffset - 144 &&
    file.string(file.meta, transferSyntax) !== undefined
  )
}

export interface Headed {
  readonly size: number
  readonly sha256: string
  readonly dataSetOffset: number
}

/** Write a file to `to`: a header of our own, then the data set's bytes as they are in `from`. */
export async function writeWithHeader(
  file: DicomFile,
  identity: Pick<InstanceRecord, 'SOPClassUID' | 'SOPInstanceUID'>,
  from: ArchivePart,
  to: ArchivePart,
): Promise<Headed> {
  const source = file.string(file.meta, sourceApplication)
  const header = encodeFileMeta({
    MediaStorageSOPClassUID: identity.SOPClassUID,
    MediaStorageSOPInstanceUID: identity.SOPInstanceUID,
    TransferSyntaxUID: file.transferSyntaxUID,
    ...(source === undefined ? {} : { SourceApplicationEntityTitle: source }),
  })
  const hash = createHash('sha256').update(header)
  let size = await writeAll(to, header, 0)
  const buffer = Buffer.allocUnsafe(chunkBytes)
  for (let at = file.dataSetOffset; ;) {
    const { bytesRead } = await readAt(from.fd, buffer, 0, chunkBytes, at)
    if (bytesRead === 0) break
    const chunk = buffer.subarray(0, bytesRead)
    hash.update(chunk)
    size = await writeAll(to, chunk, size)
    at += bytesRead
  }
  return { size, sha256: hash.digest('hex'), dataSetOffset: header.length }
}

/** Returns the position behind what was written. */
async function writeAll(part: ArchivePart, bytes: Buffer, position: number): Promise<number> {
  for (let done = 0; done < bytes.length;) {
    const left = bytes.length - done
    const { bytesWritten } = await writeAt(part.fd, bytes, done, left, position + done)
    done += bytesWritten
  }
  return position + bytes.length
}
