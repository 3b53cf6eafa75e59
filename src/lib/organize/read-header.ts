import { accessSync, constants } from 'node:fs'
import { DicomFile } from '../dicom/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'

/** What `read` finds in the header of a file, which is closed afterwards. */
export function readHeader<Found>(path: string, read: (file: DicomFile) => Found): Found {
  let file
  try {
    file = DicomFile.open(path, { stopAtPixelData: true })
  } catch (error) {
    assertReadable(path)
    if (!(error instanceof FionaError)) throw error
    const { code, hint, retryable, exitCode } = error
    // The reader knows bytes and offsets; which file it was is ours to say.
    throw new FionaError(code, `${path}: ${error.message}`, {
      hint,
      retryable,
      exitCode,
      cause: error,
    })
  }
  try {
    return read(file)
  } finally {
    file.close()
  }
}

/** A link must not lead to nothing. */
export function assertReadable(path: string): void {
  try {
    accessSync(path, constants.R_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new FionaError('E_FILE_MISSING', `there is no file at ${path}`, {
        hint: 'send the object again, or replay the record once the file is back',
        exitCode: ExitCode.badInput,
        cause: error,
      })
    }
    throw new FionaError('E_FILE_READ', `cannot read ${path} (${String(code)})`, {
      hint: 'check that this user may read it',
      exitCode: ExitCode.io,
      cause: error,
    })
  }
}
