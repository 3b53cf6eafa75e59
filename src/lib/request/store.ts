import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, lchownSync, openSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'
import type { AnyRecord, FionaRecord, StudyRecord } from '../record/index.ts'
import { loadSqlite, type Database } from '../sqlite/index.ts'
import { makeDirectories } from '../storage/index.ts'
import { type Patient, PatientKeys } from './patient-key.ts'
import { keyOf } from './study-in-question.ts'
import type { Changed } from './source.ts'
import { applicationId, tables, tablesVersion } from './tables.ts'

interface Statement {
  get(...values: readonly unknown[]): unknown
  all(...values: readonly unknown[]): unknown[]
  run(...values: readonly unknown[]): unknown
  iterate(...values: readonly unknown[]): Iterable<unknown>
}

/** Another process may hold the database for as long as a step of it takes. */
const busyMs = 30_000
/** Of more values all studies are looked at once. */
const mostAskedOneByOne = 10_000

/** What a study waits for: nothing (`decided`, `dropped`), an answer, or a person. */
export type StudyState = 'waiting' | 'held' | 'decided' | 'dropped'

export interface StoredStudy {
  readonly id: number
  readonly key: string
  readonly record: StudyRecord
  /** Of whom it is: its header need not be read again. */
  readonly patient: Patient
  readonly state: StudyState
  /** ms since 1970 */
  readonly since: number
  readonly why: string
}

export interface StoredRequest {
  readonly project: string
  readonly participant: string
  /** Empty: none. */
  readonly event: string
  readonly requestId: string
  readonly revision: number
  readonly requestedBy: string
}

/** What a person decided of a study and a project; no participant: it is not to go there (`*`: nowhere). */
export interface HandDecision {
  readonly id: number
  readonly StudyInstanceUID: string
  readonly project: string
  readonly participant: string | null
  readonly event: string | null
  readonly samePatient: number
  readonly who: string
}

export interface Binding {
  readonly participant: string
  readonly patient: Buffer
  readonly allocated: number
}

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
  readonly #path: string
  readonly #prepared = new Map<string, Statement>()

  private constructor(path: string, database: Database, patients: PatientKeys) {
    this.#path = path
    this.database = database
    this.patients = patients
    this.isDurable = path !== ':memory:'
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

  study(owner: string, key: string): StoredStudy | undefined {
    const [row] = this.#all<StudyRow>('SELECT * FROM study WHERE owner = ? AND key = ?', owner, key)
    return row === undefined ? undefined : storedStudy(row)
  }

  studiesOf(StudyInstanceUID: string): readonly StoredStudy[] {
    return this.#all<StudyRow>(
      'SELECT * FROM study WHERE StudyInstanceUID = ?',
      StudyInstanceUID,
    ).map(storedStudy)
  }

  /** @param after the id of the last one before; `states` undefined: all */
  studies(
    owner: string | undefined,
    states: readonly StudyState[] | undefined,
    after: number,
    limit: number,
  ): readonly StoredStudy[] {
    const conditions = [
      'id > ?',
      ...(owner === undefined ? [] : ['owner = ?']),
      ...(states === undefined ? [] : [`state IN (${states.map((state) => `'${state}'`).join()})`]),
    ]
    return this.#all<StudyRow>(
      `SELECT * FROM study WHERE ${conditions.join(' AND ')} ORDER BY id LIMIT ?`,
      after,
      ...(owner === undefined ? [] : [owner]),
      limit,
    ).map(storedStudy)
  }

  /** Ids of the studies of which one of these values is. */
  idsOf(owner: string, changed: Changed): readonly number[] {
    const ids = new Set<number>()
    const values = Object.values(changed) as (ReadonlySet<string> | undefined)[]
    if (values.reduce((sum, one) => sum + (one?.size ?? 0), 0) > mostAskedOneByOne) {
      const all = this.#statement(
        'SELECT id, StudyInstanceUID, AccessionNumber, PatientID FROM study WHERE owner = ?',
      ).iterate(owner) as Iterable<Record<keyof Changed, string> & { id: number }>
      for (const study of all) {
        const is = (column: keyof Changed) => changed[column]?.has(study[column]) === true
        if (is('StudyInstanceUID') || is('AccessionNumber') || is('PatientID')) ids.add(study.id)
      }
      return [...ids]
    }
    for (const column of ['StudyInstanceUID', 'AccessionNumber', 'PatientID'] as const) {
      for (const value of changed[column] ?? []) {
        const sql = `SELECT id FROM study WHERE ${column} = ? AND owner = ?`
        for (const { id } of this.#all(sql, value, owner) as { id: number }[]) ids.add(id)
      }
    }
    return [...ids]
  }

  studyWithId(id: number): StoredStudy | undefined {
    const [row] = this.#all<StudyRow>('SELECT * FROM study WHERE id = ?', id)
    return row === undefined ? undefined : storedStudy(row)
  }

  count(owner: string, state: StudyState): number {
    const row = this.#get(
      'SELECT count(*) AS count FROM study WHERE owner = ? AND state = ?',
      ...[owner, state],
    ) as { count: number }
    return row.count
  }

  keepStudy(
    owner: string,
    study: {
      readonly record: StudyRecord
      readonly accession: string | undefined
      readonly patientId: string | undefined
      readonly patient: Patient
    },
    now: number,
  ): void {
    const { record, accession, patientId, patient } = study
    this.#run(
      `INSERT INTO study (owner, key, StudyInstanceUID, AccessionNumber, PatientID, patient, folded, revision, record, state, since, why)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?, '')
       ON CONFLICT (owner, key) DO UPDATE SET AccessionNumber = excluded.AccessionNumber,
         PatientID = excluded.PatientID, patient = excluded.patient, folded = excluded.folded, revision = excluded.revision, record = excluded.record`,
      owner,
      keyOf(record),
      record.StudyInstanceUID,
      accession ?? null,
      patientId ?? null,
      patient.key,
      patient.folded,
      record.revision,
      JSON.stringify(record),
      now,
    )
  }

  setState(owner: string, key: string, state: StudyState, why: string, now: number): void {
    this.#run(
      `UPDATE study SET since = CASE WHEN state = ? THEN since ELSE ? END, state = ?, why = ? WHERE owner = ? AND key = ?`,
      state,
      now,
      state,
      why,
      owner,
      key,
    )
  }

  /** Those that were made of a study and not withdrawn. */
  requests(key: string): readonly StoredRequest[] {
    return this.#all<StoredRequest>(
      'SELECT * FROM request WHERE key = ? AND withdrawn IS NULL',
      key,
    )
  }

  hasRequest(requestId: string): boolean {
    return this.#get('SELECT 1 FROM request WHERE requestId = ?', requestId) !== undefined
  }

  /**
   * The request of a study, a project, a participant and an event: the one that is there, or a new one.
   * @param requestId of a new one, where it has been told already
   */
  request(
    key: string,
    wanted: Omit<StoredRequest, 'requestId'> & { readonly patient: Buffer },
    requestId: string | undefined,
  ): { readonly requestId: string; readonly isNews: boolean } {
    const { project, participant, event, revision, requestedBy, patient } = wanted
    const known = this.#get(
      'SELECT requestId, revision, withdrawn FROM request WHERE key = ? AND project = ? AND participant = ? AND event = ?',
      ...[key, project, participant, event],
    ) as { requestId: string; revision: number; withdrawn: number | null } | undefined
    if (known === undefined) {
      const made = requestId ?? newRequestId()
      this.#run(
        'INSERT INTO request VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)',
        ...[key, project, participant, event, made, revision, requestedBy, patient],
      )
      return { requestId: made, isNews: true }
    }
    const isNews = known.withdrawn !== null || revision > known.revision
    if (isNews) {
      this.#run(
        'UPDATE request SET revision = max(revision, ?), withdrawn = NULL WHERE requestId = ?',
        ...[revision, known.requestId],
      )
    }
    return { requestId: known.requestId, isNews }
  }

  /** It is not made again for later revisions; nor is its patient that participant, where nothing else says so. */
  withdraw(requestId: string, now: number): void {
    const row = this.#get('SELECT * FROM request WHERE requestId = ?', requestId) as
      { project: string; participant: string; patient: Buffer } | undefined
    if (row === undefined) return
    this.#run('UPDATE request SET withdrawn = ? WHERE requestId = ?', now, requestId)
    const others = this.#get(
      'SELECT 1 FROM request WHERE project = ? AND participant = ? AND patient = ? AND withdrawn IS NULL',
      ...[row.project, row.participant, row.patient],
    )
    if (others !== undefined) return
    this.#run(
      'DELETE FROM binding WHERE project = ? AND participant = ? AND patient = ? AND allocated = 0',
      ...[row.project, row.participant, row.patient],
    )
  }

  held(key: string): readonly { project: string; requestId: string; reasons: string }[] {
    return this.#all('SELECT * FROM held WHERE key = ?', key)
  }

  /** Of which study and project a request is, that was made or is held. */
  requestWith(
    requestId: string,
  ): { readonly StudyInstanceUID: string; readonly project: string } | undefined {
    return this.#get(
      `SELECT StudyInstanceUID, known.project FROM (
         SELECT key, project FROM held WHERE requestId = ? UNION SELECT key, project FROM request WHERE requestId = ?
       ) AS known JOIN study ON study.key = known.key LIMIT 1`,
      ...[requestId, requestId],
    ) as { StudyInstanceUID: string; project: string } | undefined
  }

  /** How many studies of a stage wait and are held, and since when (ms since 1970) the longest does. */
  undecided(
    owner: string,
  ): readonly { readonly state: StudyState; readonly studies: number; readonly since: number }[] {
    return this.#all(
      `SELECT state, count(*) AS studies, min(since) AS since FROM study WHERE owner = ? AND state IN ('waiting', 'held') GROUP BY state`,
      owner,
    )
  }

  /** @returns whether it was not held for the same before */
  hold(key: string, project: string, requestId: string, reasons: string, now: number): boolean {
    const known = this.held(key).find((one) => one.project === project)
    if (known?.reasons === reasons && known.requestId === requestId) return false
    this.#run(
      `INSERT INTO held VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET reasons = excluded.reasons, requestId = excluded.requestId`,
      ...[key, project, requestId, reasons, now],
    )
    return true
  }

  unhold(key: string, project: string): void {
    this.#run('DELETE FROM held WHERE key = ? AND project = ?', key, project)
  }

  byHand(StudyInstanceUID: string): readonly HandDecision[] {
    return this.#all<HandDecision>(
      'SELECT * FROM hand WHERE StudyInstanceUID = ? ORDER BY id',
      StudyInstanceUID,
    )
  }

  /** What persons decided since, of any study. */
  byHandSince(id: number): readonly HandDecision[] {
    return this.#all<HandDecision>('SELECT * FROM hand WHERE id > ? ORDER BY id', id)
  }

  lastByHand(): number {
    const row = this.#get('SELECT max(id) AS id FROM hand') as { id: number | null } | undefined
    return row?.id ?? 0
  }

  keepByHand(decision: Omit<HandDecision, 'id'>, now: number): void {
    const { StudyInstanceUID, project, participant, event, samePatient, who } = decision
    this.#run(
      'INSERT INTO hand (StudyInstanceUID, project, participant, event, samePatient, who, time) VALUES (?, ?, ?, ?, ?, ?, ?)',
      ...[StudyInstanceUID, project, participant, event, samePatient, who, now],
    )
  }

  forgetByHand(StudyInstanceUID: string, project: string): void {
    this.#run(
      'DELETE FROM hand WHERE StudyInstanceUID = ? AND project = ?',
      StudyInstanceUID,
      project,
    )
  }

  bindingsOf(project: string, patient: Buffer): readonly Binding[] {
    return this.#all<Binding>(
      'SELECT participant, patient, allocated FROM binding WHERE project = ? AND patient = ? ORDER BY allocated DESC, time',
      ...[project, patient],
    )
  }

  patientsOf(project: string, participant: string): readonly Buffer[] {
    const rows = this.#all(
      'SELECT patient FROM binding WHERE project = ? AND participant = ?',
      ...[project, participant],
    ) as { patient: Buffer }[]
    return rows.map(({ patient }) => patient)
  }

  /** Other patients whose identifiers differ in capitals, blanks or zeros only. */
  hasSimilar(project: string, folded: Buffer, patient: Buffer): boolean {
    return (
      this.#get(
        'SELECT 1 FROM binding WHERE project = ? AND folded = ? AND patient <> ?',
        ...[project, folded, patient],
      ) !== undefined
    )
  }

  /** How many participants a project has. */
  countParticipants(project: string): number {
    const row = this.#get(
      `SELECT count(*) AS count FROM (SELECT participant FROM binding WHERE project = ?
         UNION SELECT participant FROM request WHERE project = ?)`,
      ...[project, project],
    ) as { count: number }
    return row.count
  }

  isTaken(project: string, participant: string): boolean {
    const row = this.#get(
      `SELECT 1 FROM binding WHERE project = ? AND participant = ?
       UNION ALL SELECT 1 FROM request WHERE project = ? AND participant = ? LIMIT 1`,
      ...[project, participant, project, participant],
    )
    return row !== undefined
  }

  bind(
    project: string,
    participant: string,
    { key, folded }: { readonly key: Buffer; readonly folded: Buffer },
    how: { readonly alias: boolean; readonly allocated: boolean; readonly now: number },
  ): void {
    this.#run(
      'INSERT INTO binding VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (project, patient, participant) DO NOTHING',
      ...[project, participant, key, folded, Number(how.alias), Number(how.allocated), how.now],
    )
  }

  tell(owner: string, records: readonly (AnyRecord | FionaRecord)[]): void {
    if (records.length === 0) return
    this.#run('INSERT INTO told (owner, records) VALUES (?, ?)', owner, JSON.stringify(records))
  }

  /** What is still to be told, behind `after`. */
  toTell(
    owner: string,
    after: number,
    limit: number,
  ): readonly { readonly id: number; readonly records: readonly AnyRecord[] }[] {
    const rows = this.#all(
      'SELECT id, records FROM told WHERE owner = ? AND id > ? ORDER BY id LIMIT ?',
      ...[owner, after, limit],
    ) as { id: number; records: string }[]
    return rows.map(({ id, records }) => ({ id, records: JSON.parse(records) as AnyRecord[] }))
  }

  /** It has arrived. */
  forgetTold(owner: string, upTo: number): void {
    this.#run('DELETE FROM told WHERE owner = ? AND id <= ?', owner, upTo)
  }

  /** Since when each row of a table is there; what is no longer among them is forgotten. */
  firstSeen(source: string, identities: readonly string[], now: number): readonly number[] {
    return this.transact(() => {
      const before = new Map(
        (
          this.#all('SELECT row, time FROM row_seen WHERE source = ?', source) as {
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
        this.#run('INSERT OR IGNORE INTO row_seen VALUES (?, ?, ?)', source, row, now)
        return now
      })
      for (const hex of before.keys()) {
        this.#run(
          'DELETE FROM row_seen WHERE source = ? AND row = ?',
          source,
          Buffer.from(hex, 'hex'),
        )
      }
      return times
    })
  }

  meta(name: string): string | undefined {
    return (
      this.#get('SELECT value FROM meta WHERE name = ?', name) as { value: string } | undefined
    )?.value
  }

  setMeta(name: string, value: string): void {
    this.#run('INSERT OR REPLACE INTO meta VALUES (?, ?)', name, value)
  }

  /** Another number when another process has changed something. */
  version(): number {
    return Number(this.database.pragma('data_version', { simple: true }))
  }

  [Symbol.dispose](): void {
    this.database.close()
  }

  #statement(sql: string): Statement {
    let statement = this.#prepared.get(sql)
    if (statement === undefined) {
      statement = this.database.prepare(sql)
      this.#prepared.set(sql, statement)
    }
    return statement
  }

  #get(sql: string, ...values: readonly unknown[]): Record<string, unknown> | undefined {
    return this.#statement(sql).get(...values) as Record<string, unknown> | undefined
  }

  #all<Row = Record<string, unknown>>(sql: string, ...values: readonly unknown[]): readonly Row[] {
    return this.#statement(sql).all(...values) as Row[]
  }

  #run(sql: string, ...values: readonly unknown[]): void {
    this.#statement(sql).run(...values)
  }
}

/** Crockford's alphabet: no letter that looks like a digit or like another. */
const base32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** 100 random bits: it tells nothing of the study. */
export function newRequestId(): string {
  return Array.from(randomBytes(20), (byte) => base32[byte % 32] ?? '').join('')
}

/** Told from a UID, which has no letters. */
export function isRequestId(text: string): boolean {
  return /^(?=.*[A-Z])[0-9A-HJKMNP-TV-Z]{20}$/.test(text)
}

interface StudyRow extends Omit<StoredStudy, 'record' | 'patient'> {
  readonly record: string
  readonly patient: Buffer
  readonly folded: Buffer
}

function storedStudy({ record, patient, folded, ...row }: StudyRow): StoredStudy {
  return {
    ...row,
    record: JSON.parse(record) as StudyRecord,
    patient: { key: patient, folded },
  }
}

/** Names of patients stand in it: for nobody else, and so what SQLite keeps beside it. */
async function makePrivate(directory: string, path: string): Promise<void> {
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
function giveToOwner(directory: string, path: string): void {
  if (process.getuid?.() !== 0) return
  const state = dirname(directory)
  const { uid, gid } = statSync(dirname(state))
  const made = [path, `${path}-wal`, `${path}-shm`, join(directory, 'patients.key')]
  for (const each of [state, directory, ...made]) if (existsSync(each)) lchownSync(each, uid, gid)
}

/** @returns why it cannot be used */
function begin(database: Database): string | undefined {
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
async function keysFor(directory: string, database: Database): Promise<PatientKeys> {
  const known = () =>
    database.prepare("SELECT value FROM meta WHERE name = 'key'").pluck().get() as
      string | undefined
  const keys = await PatientKeys.open(directory, known() === undefined)
  database.prepare("INSERT OR IGNORE INTO meta VALUES ('key', ?)").run(keys.fingerprint)
  if (known() === keys.fingerprint) return keys
  throw unusable(join(directory, 'patients.key'), 'it is another key than the one this began with')
}

function unusable(path: string, why: string): FionaError {
  return new FionaError('E_REQUEST_STATE', `${path} cannot be used: ${why}`, {
    hint: 'bring back what belongs together from a backup, or move the whole directory away to begin anew: then requests get new ids',
    exitCode: ExitCode.badConfig,
  })
}

/** Trouble of the disk or of another process, in words; whatever else it is stays as it is. */
function asRequestError(error: unknown, path: string): unknown {
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
