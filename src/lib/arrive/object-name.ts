import { createHash, hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { DicomFile } from '../dicom/index.ts'
import { FionaError } from '../error/index.ts'
import type { InstanceRecord } from '../record/index.ts'

// A SOPInstanceUID should name one object (PS3.5 9.1), and does not always. Whatever lies under a UID that
// was counted already must make a revision, or nobody behind us would ever hear of it. So objects have
// names here: the first of a UID is called by it, another one by UID, ~ and a digest.

/** The archive has told the objects of one UID apart by their file names: `<UID>.dcm`, `<UID>~<digest>.dcm`. */
export function objectName({ path, SOPInstanceUID }: InstanceRecord): string {
  const name = basename(path)
  const isOther =
    name.startsWith(`${SOPInstanceUID}~`) &&
    /^~[0-9a-f]{16}\.dcm$/.test(name.slice(SOPInstanceUID.length))
  return isOther ? basename(name, '.dcm') : SOPInstanceUID
}

/** What the object with this SHA-256 is called when another one was first. */
export function nameByDigest(SOPInstanceUID: string, sha256: string): string {
  return `${SOPInstanceUID}~${sha256}`
}

/**
 * A name that was counted comes with another file. Only the data sets tell whether it is another object:
 * file meta information says how a file came about. What cannot be compared counts as another one, since
 * one too many is found out where the objects are read, and one too few never; unless the archive, which
 * compared it, said that it is a duplicate (its directory may have been moved since the first came).
 * @param counted the file counted under the name; undefined when it is not known
 * @returns the name of the other object; undefined when it is the same one
 */
export async function nameOfOther(
  instance: InstanceRecord,
  counted: string | undefined,
): Promise<string | undefined> {
  const { path, SOPInstanceUID, sha256, duplicate } = instance
  const digest = await dataSetDigest(path)
  const before = counted === undefined ? undefined : await dataSetDigest(counted)
  const areCompared = digest !== undefined && before !== undefined
  if (areCompared ? digest === before : duplicate === true) return undefined
  return nameByDigest(SOPInstanceUID, sha256 ?? digest ?? hash('sha256', path))
}

/** SHA-256 of what stands behind the file meta information, hex; undefined when it cannot be read. */
async function dataSetDigest(path: string): Promise<string | undefined> {
  try {
    using file = DicomFile.open(path, { stopAtPixelData: true })
    const sha256 = createHash('sha256')
    const start = file.dataSetOffset
    await pipeline(createReadStream(path, { start, highWaterMark: 1 << 20 }), sha256)
    return sha256.digest('hex')
  } catch (error) {
    const isReadError = (error as NodeJS.ErrnoException).code !== undefined
    if (error instanceof FionaError || isReadError) return undefined
    throw error
  }
}
