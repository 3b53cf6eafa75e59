import { closeSync, existsSync, lchownSync, openSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ExitCode, FionaError } from '../../error/index.ts'
import type { Database } from '../../sqlite/index.ts'
import { makeDirectories } from '../../storage/index.ts'
import { PatientKeys } from '../patient-key.ts'
import { applicationId, tables, tablesVersion } from './tables.ts'

/** Names of patients stand in it: for nobody else, and so what SQLite keeps beside it. */
export async function makePrivate(directory: string, path: string): Promise<void> {
  try {
    await makeDirectories(directory, { mode: 0o700 })
    closeSync(openSync(path, 'a', 0o600))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EACCES' && code !== 'EPERM') throw error
    throw new FionaError('E_REQUEST_STATE', `${path} cannot be opened by this user`, {
      hint: 'run it as the user of the service: sudo -u fiona fiona-request …',
      exitCode: ExitCode.notAllowed,
      cause: error,
    })
  }
}

/** What root makes, listing what waits before anything ran, is the service's to use: of whom the data directory is. */
export function giveToOwner(directory: string, path: string): void {
  if (process.getuid?.() !== 0) return
  const state = dirname(directory)
  const { uid, gid } = statSync(dirname(state))
  const made = [path, `${path}-wal`, `${path}-shm`, join(directory, 'patients.key')]
  for (const each of [state, directory, ...made]) if (existsSync(each)) lchownSync(each, uid, gid)
}

/** @returns why it cannot be used */
export function begin(database: Database): string | undefined {
  const isEmpty = database.prepare('SELECT count(*) FROM sqlite_master').pluck().get() === 0
  if (isEmpty) {
    database.pragma(`application_id = ${String(applicationId)}`)
    database.pragma(`user_version = ${String(tablesVersion)}`)
    database.exec(tables)
    return undefined
  }
  if (database.pragma('application_id', { simple: true }) !== applicationId) {
    return 'it is not what fiona-request writes'
  }
  const version = Number(database.pragma('user_version', { simple: true }))
  return version === tablesVersion ? undefined : `it is of version ${String(version)}`
}

/** The key that all of its hashes were made with. */
export async function keysFor(directory: string, database: Database): Promise<PatientKeys> {
  const known = () =>
    database.prepare("SELECT value FROM meta WHERE name = 'key'").pluck().get() as
      string | undefined
  const keys = await PatientKeys.open(directory, known() === undefined)
  database.prepare("INSERT OR IGNORE INTO meta VALUES ('key', ?)").run(keys.fingerprint)
  if (known() === keys.fingerprint) return keys
  throw unusable(join(directory, 'patients.key'), 'it is another key than the one this began with')
}

export function unusable(path: string, why: string): FionaError {
  return new FionaError('E_REQUEST_STATE', `${path} cannot be used: ${why}`, {
    hint: 'bring back what belongs together from a backup, or move the whole directory away to begin anew: then requests get new ids',
    exitCode: ExitCode.badConfig,
  })
}

/** Trouble of the disk or of another process, in words; whatever else it is stays as it is. */
export function asRequestError(error: unknown, path: string): unknown {
  const { code } = error as { code?: unknown }
  if (typeof code !== 'string' || !code.startsWith('SQLITE_')) return error
  // A mistake of ours.
  if (/^SQLITE_(?:ERROR|CONSTRAINT|RANGE|MISUSE)/.test(code)) return error
  if (code.startsWith('SQLITE_FULL')) {
    return new FionaError('E_DISK_FULL', `no space left for ${path}`, {
      hint: 'make room; it goes on by itself',
      retryable: true,
      exitCode: ExitCode.io,
    })
  }
  const isBusy = code.startsWith('SQLITE_BUSY')
  return new FionaError('E_REQUEST_STATE', `${path} cannot be used (${code})`, {
    hint: isBusy
      ? 'another process writes into it for long; try again'
      : 'check the disk and who may write there; if it is damaged, bring it back from a backup',
    retryable: isBusy,
    exitCode: isBusy ? ExitCode.tryAgain : ExitCode.io,
    // No record is at fault: whoever handles one ends, and goes on with it when it is well again.
    cause: Object.assign(new Error(code, { cause: error }), { code: 'EIO', syscall: 'write' }),
  })
}
