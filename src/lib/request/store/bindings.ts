import type { Statements } from './statements.ts'

export interface Binding {
  readonly participant: string
  readonly patient: Buffer
  /** 1: a person said that the patient is the one whose participant it is. */
  readonly alias: number
  readonly allocated: number
}

/** Who is who in a project, by keyed hashes. */
export class Bindings {
  readonly #sql: Statements

  constructor(sql: Statements) {
    this.#sql = sql
  }

  of(project: string, patient: Buffer): readonly Binding[] {
    return this.#sql.all<Binding>(
      'SELECT participant, patient, alias, allocated FROM binding WHERE project = ? AND patient = ? ORDER BY allocated DESC, time',
      ...[project, patient],
    )
  }

  patientsOf(project: string, participant: string): readonly Buffer[] {
    const rows = this.#sql.all(
      'SELECT patient FROM binding WHERE project = ? AND participant = ?',
      ...[project, participant],
    ) as { patient: Buffer }[]
    return rows.map(({ patient }) => patient)
  }

  /** Other patients whose identifiers differ in capitals, blanks or zeros only. */
  hasSimilar(project: string, folded: Buffer, patient: Buffer): boolean {
    return (
      this.#sql.get(
        'SELECT 1 FROM binding WHERE project = ? AND folded = ? AND patient <> ?',
        ...[project, folded, patient],
      ) !== undefined
    )
  }

  /** How many participants a project has. */
  count(project: string): number {
    const row = this.#sql.get(
      `SELECT count(*) AS count FROM (SELECT participant FROM binding WHERE project = ?
         UNION SELECT participant FROM request WHERE project = ?)`,
      ...[project, project],
    ) as { count: number }
    return row.count
  }

  isTaken(project: string, participant: string): boolean {
    const row = this.#sql.get(
      `SELECT 1 FROM binding WHERE project = ? AND participant = ?
       UNION ALL SELECT 1 FROM request WHERE project = ? AND participant = ? LIMIT 1`,
      ...[project, participant, project, participant],
    )
    return row !== undefined
  }

  add(
    project: string,
    participant: string,
    { key, folded }: { readonly key: Buffer; readonly folded: Buffer },
    how: { readonly alias: boolean; readonly allocated: boolean; readonly now: number },
  ): void {
    this.#sql.run(
      'INSERT INTO binding VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (project, patient, participant) DO NOTHING',
      ...[project, participant, key, folded, Number(how.alias), Number(how.allocated), how.now],
    )
  }
}
