import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as othersTurn } from 'node:timers/promises'
import { type DicomFile, fileMissing, openHeader } from '../dicom/index.ts'
import { ExitCode, FionaError, troubleOfSurroundings } from '../error/index.ts'

export interface ObjectIdentity {
  readonly StudyInstanceUID: string | undefined
  readonly SeriesInstanceUID: string | undefined
  readonly SOPInstanceUID: string | undefined
}

export function identityOf(file: DicomFile): ObjectIdentity {
  return {
    StudyInstanceUID: file.string(file.dataSet, 0x0020000d),
    SeriesInstanceUID: file.string(file.dataSet, 0x0020000e),
    SOPInstanceUID: file.string(file.dataSet, 0x00080018),
  }
}

/** Headers read between two looks at what else there is to do. */
const batch = 64

type Visit = (file: DicomFile, identity: ObjectIdentity, path: string) => void

export interface ReadReport {
  /** The first of the files that could not be read, if any. */
  readonly trouble: FionaError | undefined
}

/** Shows every object to `visit`, in order. What cannot be read is skipped and reported. */
export async function visitObjects(paths: readonly string[], visit: Visit): Promise<ReadReport> {
  let trouble: FionaError | undefined
  for (const [at, path] of paths.entries()) {
    if (at % batch === batch - 1) await othersTurn()
    try {
      visitOne(path, visit)
    } catch (error) {
      if (!(error instanceof FionaError) || troubleOfSurroundings(error) !== undefined) throw error
      trouble ??= error
    }
  }
  return { trouble }
}

function visitOne(path: string, visit: Visit): void {
  using file = openHeader(path)
  visit(file, identityOf(file), path)
}

const deepestFolder = 8

/** Regular files below a directory, in the order of their names. */
export async function filesBelow(directory: string, depth = 0): Promise<string[]> {
  let entries
  try {
    entries = await readdir(directory, { withFileTypes: true })
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code)
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw fileMissing(`there is no directory at ${directory}`, error)
    }
    throw new FionaError('E_FILE_READ', `cannot list ${directory}: ${code}`, {
      hint: 'check that this user may read it',
      exitCode: ExitCode.io,
      cause: error,
    })
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  const files: string[] = []
  for (const entry of entries) {
    const path = join(directory, entry.name)
    if (entry.isFile()) files.push(path)
    else if (entry.isDirectory() && depth < deepestFolder) {
      files.push(...(await filesBelow(path, depth + 1)))
    }
  }
  return files
}
