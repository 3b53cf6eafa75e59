import { accessSync, constants } from 'node:fs'
import { fileMissing, openHeader, type DicomFile } from '../dicom/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'

/** What `read` finds in the header of a file, which is closed afterwards. */
export function readHeader<Found>(path: string, read: (file: DicomFile) => Found): Found {
  using file = openHeader(path)
  return read(file)
}

/** A link must not lead to nothing. */
export function assertReadable(path: string): void {
  try {
    accessSync(path, constants.R_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw fileMissing(`there is no file at ${path}`, error)
    }
    throw new FionaError('E_FILE_READ', `cannot read ${path} (${String(code)})`, {
      hint: 'check that this user may read it',
      exitCode: ExitCode.io,
      cause: error,
    })
  }
}
