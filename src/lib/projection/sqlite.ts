import type Sqlite from 'better-sqlite3'
import { ExitCode, FionaError } from '../error/index.ts'

export type Database = Sqlite.Database

/**
 * The library, loaded when first used: it is compiled for one version of Node, and all the rest of FIONA
 * does without it.
 * @throws FionaError E_SQLITE (exit 69)
 */
export async function loadSqlite(): Promise<typeof Sqlite> {
  try {
    const { default: library } = await import('better-sqlite3')
    // The compiled part is loaded with the first database.
    new library(':memory:').close()
    return library
  } catch (error) {
    const why = (error as Error).message.split('\n')[0] ?? ''
    throw new FionaError('E_SQLITE', `SQLite cannot be loaded: ${why}`, {
      hint: 'compile it for this Node: npm rebuild better-sqlite3 (needs python3, make and a C++ compiler); all else works without it',
      exitCode: ExitCode.unavailable,
      cause: error,
    })
  }
}

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
