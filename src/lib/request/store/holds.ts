import type { Statements } from './statements.ts'

/** What a person must look at first: of a study, for a project. */
export class Holds {
  readonly #sql: Statements

  constructor(sql: Statements) {
    this.#sql = sql
  }

  of(key: string): readonly { project: string; requestId: string; reasons: string }[] {
    return this.#sql.all('SELECT * FROM held WHERE key = ?', key)
  }

  /** @returns whether it was not held for the same before */
  add(key: string, project: string, requestId: string, reasons: string, now: number): boolean {
    const known = this.of(key).find((one) => one.project === project)
    if (known?.reasons === reasons && known.requestId === requestId) return false
    this.#sql.run(
      `INSERT INTO held VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET reasons = excluded.reasons, requestId = excluded.requestId`,
      ...[key, project, requestId, reasons, now],
    )
    return true
  }

  remove(key: string, project: string): void {
    this.#sql.run('DELETE FROM held WHERE key = ? AND project = ?', key, project)
  }
}
