import { ExitCode, FionaError } from '../error/index.ts'

/** The file itself is at fault, not what was asked of it. */
export function isDamage(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && /^SQLITE_(CORRUPT|NOTADB|IOERR_SHORT_READ)/.test(code)
}

/** Trouble of the disk or of another process, in words; whatever else it is stays as it is. */
export function asIndexError(error: unknown, path: string): unknown {
  const { code } = error as { code?: unknown }
  if (typeof code !== 'string' || !code.startsWith('SQLITE_')) return error
  const isBusy = code.startsWith('SQLITE_BUSY')
  const hint = isBusy
    ? 'another process writes into it for long; try again'
    : 'check the disk and who may write there; the index can always be made again: fiona-index --rebuild'
  return new FionaError('E_INDEX', `the index ${path} cannot be used (${code})`, {
    hint,
    retryable: true,
    exitCode: isBusy ? ExitCode.tryAgain : ExitCode.io,
    cause: error,
  })
}
