import type { StudyRecord } from '../../record/index.ts'
import type { Patient } from '../patient-key.ts'
import type { Changed } from '../source.ts'
import { keyOf } from '../study-in-question.ts'
import type { Statements } from './statements.ts'

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

/** Of more values all studies are looked at once. */
const mostAskedOneByOne = 10_000

/** Studies as they came last, each with what it waits for. */
export class Studies {
  readonly #sql: Statements

  constructor(sql: Statements) {
    this.#sql = sql
  }

  find(owner: string, key: string): StoredStudy | undefined {
    const [row] = this.#sql.all<StudyRow>(
      'SELECT * FROM study WHERE owner = ? AND key = ?',
      owner,
      key,
    )
    return row === undefined ? undefined : storedStudy(row)
  }

  of(StudyInstanceUID: string): readonly StoredStudy[] {
    return this.#sql
      .all<StudyRow>('SELECT * FROM study WHERE StudyInstanceUID = ?', StudyInstanceUID)
      .map(storedStudy)
  }

  /** @param after the id of the last one before; `states` undefined: all */
  list(
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
    return this.#sql
      .all<StudyRow>(
        `SELECT * FROM study WHERE ${conditions.join(' AND ')} ORDER BY id LIMIT ?`,
        after,
        ...(owner === undefined ? [] : [owner]),
        limit,
      )
      .map(storedStudy)
  }

  /** Ids of the studies of which one of these values is. */
  idsOf(owner: string, changed: Changed): readonly number[] {
    const ids = new Set<number>()
    const values = Object.values(changed) as (ReadonlySet<string> | undefined)[]
    if (values.reduce((sum, one) => sum + (one?.size ?? 0), 0) > mostAskedOneByOne) {
      const all = this.#sql.iterate<Record<keyof Changed, string> & { id: number }>(
        'SELECT id, StudyInstanceUID, AccessionNumber, PatientID FROM study WHERE owner = ?',
        owner,
      )
      for (const study of all) {
        const is = (column: keyof Changed) => changed[column]?.has(study[column]) === true
        if (is('StudyInstanceUID') || is('AccessionNumber') || is('PatientID')) ids.add(study.id)
      }
      return [...ids]
    }
    for (const column of ['StudyInstanceUID', 'AccessionNumber', 'PatientID'] as const) {
      for (const value of changed[column] ?? []) {
        const sql = `SELECT id FROM study WHERE ${column} = ? AND owner = ?`
        for (const { id } of this.#sql.all(sql, value, owner) as { id: number }[]) ids.add(id)
      }
    }
    return [...ids]
  }

  withId(id: number): StoredStudy | undefined {
    const [row] = this.#sql.all<StudyRow>('SELECT * FROM study WHERE id = ?', id)
    return row === undefined ? undefined : storedStudy(row)
  }

  count(owner: string, state: StudyState): number {
    const row = this.#sql.get(
      'SELECT count(*) AS count FROM study WHERE owner = ? AND state = ?',
      ...[owner, state],
    ) as { count: number }
    return row.count
  }

  keep(
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
    this.#sql.run(
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
    this.#sql.run(
      `UPDATE study SET since = CASE WHEN state = ? THEN since ELSE ? END, state = ?, why = ? WHERE owner = ? AND key = ?`,
      state,
      now,
      state,
      why,
      owner,
      key,
    )
  }

  /** How many studies of a stage wait and are held, and since when (ms since 1970) the longest does. */
  undecided(
    owner: string,
  ): readonly { readonly state: StudyState; readonly studies: number; readonly since: number }[] {
    return this.#sql.all(
      `SELECT state, count(*) AS studies, min(since) AS since FROM study WHERE owner = ? AND state IN ('waiting', 'held') GROUP BY state`,
      owner,
    )
  }
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
