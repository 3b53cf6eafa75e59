import { join } from 'node:path'
import { type Database, loadSqlite } from '../../sqlite/index.ts'
import { PatientKeys } from '../patient-key.ts'
import { Bindings } from './bindings.ts'
import { Hands } from './hands.ts'
import { Holds } from './holds.ts'
import {
  asRequestError,
  begin,
  giveToOwner,
  keysFor,
  makePrivate,
  unusable,
} from './open-database.ts'
import { Requests } from './requests.ts'
import { Statements } from './statements.ts'
import { Studies } from './studies.ts'
import { ToldRecords } from './told-records.ts'

/** Another process may hold the database for as long as a step of it takes. */
const busyMs = 30_000

/** Where the state of requests lies. */
export function requestDirectory(dataDir: string): string {
  return join(dataDir, 'state', 'fiona-request')
}

/**
 * All that must outlive the process, in one SQLite database: what is decided together is there together or not at all, and on stable storage
 * before anybody hears of it. Several processes use it at once. In memory where there is no data directory.
 */
export class Store implements Disposable {
  readonly database: Database
  readonly patients: PatientKeys
  readonly isDurable: boolean
  readonly studies: Studies
  readonly requests: Requests
  readonly holds: Holds
  readonly hands: Hands
  readonly bindings: Bindings
  readonly told: ToldRecords
  readonly #path: string
  readonly #sql: Statements

  private constructor(path: string, database: Database, patients: PatientKeys) {
    this.#path = path
    this.#sql = new Statements(database)
    this.database = database
    this.patients = patients
    this.isDurable = path !== ':memory:'
    this.studies = new Studies(this.#sql)
    this.requests = new Requests(this.#sql)
    this.holds = new Holds(this.#sql)
    this.hands = new Hands(this.#sql)
    this.bindings = new Bindings(this.#sql)
    this.told = new ToldRecords(this.#sql)
  }

  /**
   * @param directory undefined: memory is all there is
   * @throws FionaError E_SQLITE, E_REQUEST_STATE
   */
  static async open(directory: string | undefined): Promise<Store> {
    const Sqlite = await loadSqlite()
    if (directory === undefined) {
      const database = new Sqlite(':memory:')
      begin(database)
      return new Store(':memory:', database, PatientKeys.forgetful())
    }
    const path = join(directory, 'requests.sqlite')
    await makePrivate(directory, path)
    const database = new Sqlite(path, { timeout: busyMs })
    try {
      const trouble = database.transaction(() => begin(database)).immediate()
      if (trouble !== undefined) throw unusable(path, trouble)
      // A transaction is on stable storage when it has ended.
      database.pragma('journal_mode = WAL')
      database.pragma('synchronous = FULL')
      const patients = await keysFor(directory, database)
      giveToOwner(directory, path)
      return new Store(path, database, patients)
    } catch (error) {
      database.close()
      throw asRequestError(error, path)
    }
  }

  /** All or nothing, and nobody else in between; within another one a part of it. */
  transact<Result>(work: () => Result): Result {
    try {
      return this.database.transaction(work).immediate()
    } catch (error) {
      throw asRequestError(error, this.#path)
    }
  }

  /** Since when each row of a table is there; what is no longer among them is forgotten. */
  firstSeen(source: string, identities: readonly string[], now: number): readonly number[] {
    return this.transact(() => {
      const before = new Map(
        (
          this.#sql.all('SELECT row, time FROM row_seen WHERE source = ?', source) as {
            row: Buffer
            time: number
          }[]
        ).map(({ row, time }) => [row.toString('hex'), time]),
      )
      const times = identities.map((identity) => {
        const row = this.patients.hash('row', identity)
        const hex = row.toString('hex')
        const known = before.get(hex)
        before.delete(hex)
        if (known !== undefined) return known
        this.#sql.run('INSERT OR IGNORE INTO row_seen VALUES (?, ?, ?)', source, row, now)
        return now
      })
      for (const hex of before.keys()) {
        this.#sql.run(
          'DELETE FROM row_seen WHERE source = ? AND row = ?',
          source,
          Buffer.from(hex, 'hex'),
        )
      }
      return times
    })
  }

  meta(name: string): string | undefined {
    const row = this.#sql.get('SELECT value FROM meta WHERE name = ?', name)
    return (row as { value: string } | undefined)?.value
  }

  setMeta(name: string, value: string): void {
    this.#sql.run('INSERT OR REPLACE INTO meta VALUES (?, ?)', name, value)
  }

  /** Another number when another process has changed something. */
  version(): number {
    return Number(this.database.pragma('data_version', { simple: true }))
  }

  [Symbol.dispose](): void {
    this.database.close()
  }
}
