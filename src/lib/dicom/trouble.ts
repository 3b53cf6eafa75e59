import { ExitCode, FionaError } from '../error/index.ts'

/** The bytes are not what DICOM says they should be. `offset` is where in the file that shows. */
export function parseError(message: string, offset: number, cause?: unknown): FionaError {
  return new FionaError('E_DICOM_PARSE', `${message} (at byte ${String(offset)})`, {
    hint: 'the file is damaged or is not DICOM',
    exitCode: ExitCode.badInput,
    cause,
  })
}

/** The bytes may be DICOM, but reading on would cost more than any real object needs. */
export function limitError(message: string, offset: number, cause?: unknown): FionaError {
  return new FionaError('E_DICOM_LIMIT', `${message} (at byte ${String(offset)})`, {
    hint: 'no real object is known to need this; the file is probably damaged or hostile',
    exitCode: ExitCode.badInput,
    cause,
  })
}
