import type { AnyRecord, FionaRecord } from '../../record/index.ts'
import type { Statements } from './statements.ts'

/** What was said without being asked for by a record of the input, until it is known to have arrived. */
export class ToldRecords {
  readonly #sql: Statements

  constructor(sql: Statements) {
    this.#sql = sql
  }

  add(owner: string, records: readonly (AnyRecord | FionaRecord)[]): void {
    if (records.length === 0) return
    this.#sql.run('INSERT INTO told (owner, records) VALUES (?, ?)', owner, JSON.stringify(records))
  }

  /** What is still to be told, behind `after`. */
  list(
    owner: string,
    after: number,
    limit: number,
  ): readonly { readonly id: number; readonly records: readonly AnyRecord[] }[] {
    const rows = this.#sql.all(
      'SELECT id, records FROM told WHERE owner = ? AND id > ? ORDER BY id LIMIT ?',
      ...[owner, after, limit],
    ) as { id: number; records: string }[]
    return rows.map(({ id, records }) => ({ id, records: JSON.parse(records) as AnyRecord[] }))
  }

  /** It has arrived. */
  forget(owner: string, upTo: number): void {
    this.#sql.run('DELETE FROM told WHERE owner = ? AND id <= ?', owner, upTo)
  }
}
