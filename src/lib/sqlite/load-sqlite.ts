import type Sqlite from 'better-sqlite3'
import { ExitCode, FionaError } from '../error/index.ts'

export type Database = Sqlite.Database

/** @throws FionaError E_SQLITE (exit 69) */
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

let missing: Promise<FionaError | undefined> | undefined

/** Undefined where it can be loaded. The answer holds for the life of this process: it is asked every second. */
export function whySqliteIsMissing(): Promise<FionaError | undefined> {
  missing ??= loadSqlite().then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof FionaError) return error
      throw error
    },
  )
  return missing
}
