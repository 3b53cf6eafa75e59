import type { Statements } from './statements.ts'

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

/** What persons decided, of studies that have come or will. */
export class Hands {
  readonly #sql: Statements

  constructor(sql: Statements) {
    this.#sql = sql
  }

  of(StudyInstanceUID: string): readonly HandDecision[] {
    return this.#sql.all<HandDecision>(
      'SELECT * FROM hand WHERE StudyInstanceUID = ? ORDER BY id',
      StudyInstanceUID,
    )
  }

  /** What persons decided since, of any study. */
  since(id: number): readonly HandDecision[] {
    return this.#sql.all<HandDecision>('SELECT * FROM hand WHERE id > ? ORDER BY id', id)
  }

  last(): number {
    const row = this.#sql.get('SELECT max(id) AS id FROM hand') as { id: number | null } | undefined
    return row?.id ?? 0
  }

  keep(decision: Omit<HandDecision, 'id'>, now: number): void {
    const { StudyInstanceUID, project, participant, event, samePatient, who } = decision
    this.#sql.run(
      'INSERT INTO hand (StudyInstanceUID, project, participant, event, samePatient, who, time) VALUES (?, ?, ?, ?, ?, ?, ?)',
      ...[StudyInstanceUID, project, participant, event, samePatient, who, now],
    )
  }

  forget(StudyInstanceUID: string, project: string): void {
    this.#sql.run(
      'DELETE FROM hand WHERE StudyInstanceUID = ? AND project = ?',
      StudyInstanceUID,
      project,
    )
  }
}
