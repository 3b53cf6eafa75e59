import { ExitCode, FionaError } from '../error/index.ts'
import { shownPath, type FilePath } from './file-path.ts'

/** The name leads to nothing, or to nothing that this user may read. */
export function unreadable(path: FilePath, cause: unknown): FionaError {
  const code = String((cause as NodeJS.ErrnoException).code ?? cause)
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new FionaError('E_FILE_MISSING', `there is nothing at ${shownPath(path)}`, {
      hint: 'check the spelling; a link may point to something that is gone',
      exitCode: ExitCode.badInput,
      cause,
    })
  }
  if (code === 'ELOOP') return changed(path)
  return new FionaError('E_FILE_READ', `cannot read ${shownPath(path)} (${code})`, {
    hint: 'check that this user may read it',
    exitCode: ExitCode.io,
    cause,
  })
}

export function notAFile(path: FilePath, what: string): FionaError {
  return new FionaError('E_FILE_TYPE', `${shownPath(path)} is ${what}`, {
    hint: 'only regular files are imported',
    exitCode: ExitCode.badInput,
  })
}

/** Met in a folder: what it leads to may be outside of everything that was meant. */
export function linkNotCopied(link: FilePath): FionaError {
  return new FionaError('E_FILE_TYPE', `${shownPath(link)} is a symbolic link`, {
    hint: 'in folders links are read with --in-place only; name the link itself, or the file it leads to',
    exitCode: ExitCode.badInput,
  })
}

/** Someone replaced it, or a folder above it, between the look at the folder and the opening. */
export function changed(path: FilePath): FionaError {
  return new FionaError('E_FILE_CHANGED', `${shownPath(path)} was replaced while it was imported`, {
    hint: 'import it again when nobody is changing the folder',
    retryable: true,
    exitCode: ExitCode.badInput,
  })
}

/** What a directory entry is that is neither file, folder nor link. */
export function specialKind(entry: {
  isFIFO(): boolean
  isSocket(): boolean
  isBlockDevice(): boolean
}): string {
  if (entry.isFIFO()) return 'a named pipe'
  if (entry.isSocket()) return 'a socket'
  return 'a device'
}

/** The reader knows bytes and offsets; which file it was is ours to say. */
export function named(path: string, error: unknown): unknown {
  if (!(error instanceof FionaError) || error.message.includes(path)) return error
  const { code, hint, retryable, exitCode } = error
  return new FionaError(code, `${path}: ${error.message}`, {
    hint,
    retryable,
    exitCode,
    cause: error,
  })
}

/** @param what the signal came in the middle of */
export function interrupted(what: string): FionaError {
  return new FionaError('E_INTERRUPTED', `the import of ${what} was stopped before its end`, {
    hint: 'import it again: what is stored already will be told as duplicate',
    retryable: true,
    exitCode: ExitCode.tryAgain,
  })
}
