import { constants } from 'node:os'
import { ExitCode, FionaError } from '../error/index.ts'

/** No space, a used-up quota, or a file system that takes no file of this size. */
const full = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/**
 * What the errno of a failed write means: E_DISK_FULL or E_ARCHIVE_WRITE, both retryable, because the object
 * is not to blame. Anything that is no error of the operating system comes back as it is.
 */
export function asStorageError(error: unknown): unknown {
  if (error instanceof FionaError || !(error instanceof Error) || !('code' in error)) return error
  const code = String(error.code)
  if (full.has(code)) return diskFull(`the archive cannot be written (${code})`, error)
  if (!Object.hasOwn(constants.errno, code)) return error
  return new FionaError('E_ARCHIVE_WRITE', `the archive cannot be written (${code})`, {
    hint:
      code === 'EXDEV'
        ? 'the data directory must be one file system: mount all of it, no folder in it'
        : 'check the file system and the permissions of the data directory, then send again',
    retryable: true,
    exitCode: ExitCode.io,
    cause: error,
  })
}

export function isStorageError(error: unknown): error is FionaError {
  return (
    error instanceof FionaError &&
    ['E_DISK_FULL', 'E_ARCHIVE_WRITE', 'E_FILE_READ'].includes(error.code)
  )
}

export function diskFull(message: string, cause?: unknown): FionaError {
  return new FionaError('E_DISK_FULL', message, {
    hint: 'free space in the data directory, then send again; nothing half-written was left',
    retryable: true,
    exitCode: ExitCode.cannotCreate,
    cause,
  })
}
