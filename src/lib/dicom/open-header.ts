import { ExitCode, FionaError } from '../error/index.ts'
import { DicomFile } from './dicom-file.ts'

/**
 * The header of a stored object, in front of its pixel data, for tools that are told of it by a record.
 * @throws FionaError E_FILE_MISSING, E_FILE_READ, E_DICOM_PARSE or E_DICOM_LIMIT, all naming the file
 */
export function openHeader(path: string): DicomFile {
  try {
    return DicomFile.open(path, { stopAtPixelData: true })
  } catch (error) {
    if (!(error instanceof FionaError)) throw error
    const code = (error.cause as NodeJS.ErrnoException | undefined)?.code
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw fileMissing(`there is no file at ${path}`, error)
    }
    if (error.code === 'E_FILE_READ') throw error
    // The reader knows bytes and offsets; which file it was is known here.
    const { hint, retryable, exitCode } = error
    throw new FionaError(error.code, `${path}: ${error.message}`, {
      hint,
      retryable,
      exitCode,
      cause: error,
    })
  }
}

/** What a record points at is not there. */
export function fileMissing(message: string, cause?: unknown): FionaError {
  return new FionaError('E_FILE_MISSING', message, {
    hint: 'send the objects again, or replay the records once the files are back',
    exitCode: ExitCode.badInput,
    cause,
  })
}
