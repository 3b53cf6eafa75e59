import { closeSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Cursor } from '../journal/index.ts'
import type { AnyRecord } from '../record/index.ts'
import { Batch } from './batch.ts'
import { loadSqlite, type Database } from '../sqlite/index.ts'
import { asIndexError, isDamage } from './index-trouble.ts'
import { prepare, type Statements } from './statements.ts'
import { applicationId, tables, tablesVersion } from './tables.ts'

/** Another process may hold the database for as long as one batch, or a rebuild's first step, takes. */
const busyMs = 30_000

/** In a folder of its own, with what SQLite keeps beside it: that can be closed to who needs not know names. */
export function projectionPath(dataDir: string): string {
  return join(dataDir, 'index', 'index.sqlite')
}

export interface LinesOfSegment {
  readonly journal: string
  readonly segment: string
  /** Where the lines begin, as whoever hands them in knows it, */
  readonly start: number
  /** and the offset behind them. */
  readonly end: number
  readonly lines: Buffer
}

/**
 * The database and who writes into it. Several may do so at once: a transaction that does not begin where
 * the cursor stands changes nothing.
 */
export class Projection implements Disposable {
  readonly path: string
  readonly database: Database
  readonly #statements: Statements
  readonly #inode: number | undefined

  private constructor(path: string, database: Database) {
    this.path = path
    this.database = database
    this.#statements = prepare(database)
    this.#inode = statSync(path, { throwIfNoEntry: false })?.ino
  }

  /**
   * For writing. A file that is damaged, of another version, or no index at all is set aside beside it, and
   * a new one begun; the one set aside before is replaced.
   * @param onSetAside told why, and where the old one lies now
   * @throws FionaError E_SQLITE, E_INDEX
   */
  static async open(
    path: string,
    onSetAside: (why: string, aside: string) => void,
  ): Promise<Projection> {
    const Sqlite = await loadSqlite()
    for (let hasTried = false; ; hasTried = true) {
      // Names of patients stand in it: not for everybody.
      closeSync(openSync(path, 'a', 0o640))
      let why: string
      const database = new Sqlite(path, { timeout: busyMs })
      try {
        const found = database.transaction(() => begin(database)).immediate()
        if (found === 'ours') {
          // A transaction is on stable storage when it has ended: a cursor never runs ahead of its rows.
          database.pragma('journal_mode = WAL')
          database.pragma('synchronous = FULL')
          return new Projection(path, database)
        }
        why = found
      } catch (error) {
        if (!isDamage(error) || hasTried) {
          database.close()
          throw asIndexError(error, path)
        }
        why = 'it is damaged'
      }
      database.close()
      onSetAside(why, setAside(path))
    }
  }

  /** In a temporary file that is nobody else's and goes with the process: for a question that is asked once. */
  static async temporary(): Promise<Projection> {
    const Sqlite = await loadSqlite()
    const database = new Sqlite('')
    begin(database)
    database.pragma('synchronous = OFF')
    return new Projection('', database)
  }

  /**
   * For questions alone.
   * @returns undefined where there is none, or one that cannot be read: `why` says so
   * @throws FionaError E_SQLITE
   */
  static async openToRead(path: string): Promise<Projection | { readonly why: string }> {
    const Sqlite = await loadSqlite()
    if (!isThere(path)) return { why: 'there is none' }
    try {
      const database = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: busyMs })
      const why = notOurs(database)
      if (why === undefined) return new Projection(path, database)
      database.close()
      return { why }
    } catch (error) {
      const isMissing = (error as { code?: unknown }).code === 'SQLITE_CANTOPEN'
      if (isDamage(error)) return { why: 'it is damaged' }
      if (isMissing)
        return { why: isThere(path) ? 'it cannot be opened by this user' : 'there is none' }
      throw asIndexError(error, path)
    }
  }

  cursor(journal: string): Cursor {
    const rows = this.database
      .prepare('SELECT segment, offset FROM cursor WHERE journal = ?')
      .all(journal) as { segment: string; offset: number }[]
    return Object.fromEntries(rows.map(({ segment, offset }) => [segment, offset]))
  }

  /**
   * The rows of these lines and the cursor behind them, together or not at all.
   * @returns false when the cursor stands elsewhere: another process was here; begin again at `cursor()`
   */
  takeLines({ journal, segment, start, end, lines }: LinesOfSegment): boolean {
    return this.#write(() => {
      const found = this.database
        .prepare('SELECT offset FROM cursor WHERE journal = ? AND segment = ?')
        .get(journal, segment) as { offset: number } | undefined
      if ((found?.offset ?? 0) !== start) return false
      const batch = new Batch(this.#statements)
      let at = end - lines.length
      for (const line of lines.toString().split('\n')) {
        const record = recordOf(line, journal)
        if (record !== undefined) batch.take(record, `${segment}:${String(at)}`)
        at += Buffer.byteLength(line) + 1
      }
      batch.finish()
      this.database
        .prepare('INSERT OR REPLACE INTO cursor VALUES (?, ?, ?)')
        .run(journal, segment, end)
      return true
    })
  }

  /** Records of a stream, which has no position: their keys see to it that none counts twice. */
  takeRecords(records: readonly AnyRecord[]): void {
    this.#write(() => {
      const batch = new Batch(this.#statements)
      for (const record of records) batch.take(record)
      batch.finish()
    })
  }

  /** Segments that were pruned leave the cursor; what they brought stays. */
  forget(journal: string, segments: readonly string[]): void {
    if (segments.length === 0) return
    const forget = this.database.prepare('DELETE FROM cursor WHERE journal = ? AND segment = ?')
    this.#write(() => {
      for (const segment of segments) forget.run(journal, segment)
    })
  }

  /** Everything goes, in one step; those who follow notice, and begin anew as well. */
  clear(): void {
    this.#write(() => {
      const names = this.database
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
        .all() as { name: string }[]
      for (const { name } of names) this.database.exec(`DELETE FROM "${name}"`)
    })
  }

  /** False when another process has set this file aside: what is written here nobody will read. */
  isInPlace(): boolean {
    return statSync(this.path, { throwIfNoEntry: false })?.ino === this.#inode
  }

  /** It proved to be damaged: closes it and makes room for a new one. @returns where it lies now */
  setAside(): string {
    const isInPlace = this.isInPlace()
    this.database.close()
    return isInPlace ? setAside(this.path) : this.path
  }

  [Symbol.dispose](): void {
    this.database.close()
  }

  #write<Result>(work: () => Result): Result {
    try {
      return this.database.transaction(work).immediate()
    } catch (error) {
      throw isDamage(error) ? error : asIndexError(error, this.path)
    }
  }
}

/** @returns `ours`, with its tables; else why it is not */
function begin(database: Database): string {
  const isEmpty = database.prepare('SELECT count(*) FROM sqlite_master').pluck().get() === 0
  if (!isEmpty) return notOurs(database) ?? 'ours'
  database.pragma(`application_id = ${String(applicationId)}`)
  database.pragma(`user_version = ${String(tablesVersion)}`)
  database.exec(tables)
  return 'ours'
}

function notOurs(database: Database): string | undefined {
  if (database.pragma('application_id', { simple: true }) !== applicationId) {
    return 'it is no index of FIONA'
  }
  const version = Number(database.pragma('user_version', { simple: true }))
  return version === tablesVersion ? undefined : `it is of version ${String(version)}`
}

/**
 * The log goes first: without it the database is an older one with its own cursor, which is right. A log
 * that stayed beside a new database would be taken for that one's.
 */
function setAside(path: string): string {
  const aside = `${path}.set-aside`
  rmSync(`${path}-wal`, { force: true })
  rmSync(`${path}-shm`, { force: true })
  renameSync(path, aside)
  return aside
}

function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    // In a folder that is closed to this user.
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return true
    throw error
  }
}

/** `organized` repeats every instance of `received`: known by its text, it is not even parsed. */
function recordOf(line: string, journal: string): AnyRecord | undefined {
  if (line === '' || (journal !== 'received' && line.startsWith('{"type":"instance"'))) {
    return undefined
  }
  try {
    const value = JSON.parse(line) as Partial<AnyRecord> | null
    return typeof value?.type === 'string' ? (value as AnyRecord) : undefined
  } catch {
    return undefined
  }
}
