import { newRequestId } from './request-id.ts'
import type { Statements } from './statements.ts'

export interface StoredRequest {
  readonly project: string
  readonly participant: string
  /** Empty: none. */
  readonly event: string
  readonly requestId: string
  readonly revision: number
  readonly requestedBy: string
}

/** Requests that were made. Of a study, a project, a participant and an event there is one, for good. */
export class Requests {
  readonly #sql: Statements

  constructor(sql: Statements) {
    this.#sql = sql
  }

  /** Those that were made of a study and not withdrawn. */
  of(key: string): readonly StoredRequest[] {
    return this.#sql.all<StoredRequest>(
      'SELECT * FROM request WHERE key = ? AND withdrawn IS NULL',
      key,
    )
  }

  has(requestId: string): boolean {
    return this.#sql.get('SELECT 1 FROM request WHERE requestId = ?', requestId) !== undefined
  }

  /**
   * The request of a study, a project, a participant and an event: the one that is there, or a new one.
   * @param requestId of a new one, where it has been told already
   */
  make(
    key: string,
    wanted: Omit<StoredRequest, 'requestId'> & { readonly patient: Buffer },
    requestId: string | undefined,
  ): { readonly requestId: string; readonly isNews: boolean } {
    const { project, participant, event, revision, requestedBy, patient } = wanted
    const known = this.#sql.get(
      'SELECT requestId, revision, withdrawn FROM request WHERE key = ? AND project = ? AND participant = ? AND event = ?',
      ...[key, project, participant, event],
    ) as { requestId: string; revision: number; withdrawn: number | null } | undefined
    if (known === undefined) {
      const made = requestId ?? newRequestId()
      this.#sql.run(
        'INSERT INTO request VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)',
        ...[key, project, participant, event, made, revision, requestedBy, patient],
      )
      return { requestId: made, isNews: true }
    }
    const isNews = known.withdrawn !== null || revision > known.revision
    if (isNews) {
      this.#sql.run(
        'UPDATE request SET revision = max(revision, ?), withdrawn = NULL WHERE requestId = ?',
        ...[revision, known.requestId],
      )
    }
    return { requestId: known.requestId, isNews }
  }

  /** It is not made again for later revisions; nor is its patient that participant, where nothing else says so. */
  withdraw(requestId: string, now: number): void {
    const row = this.#sql.get('SELECT * FROM request WHERE requestId = ?', requestId) as
      { project: string; participant: string; patient: Buffer } | undefined
    if (row === undefined) return
    this.#sql.run('UPDATE request SET withdrawn = ? WHERE requestId = ?', now, requestId)
    const others = this.#sql.get(
      'SELECT 1 FROM request WHERE project = ? AND participant = ? AND patient = ? AND withdrawn IS NULL',
      ...[row.project, row.participant, row.patient],
    )
    if (others !== undefined) return
    this.#sql.run(
      'DELETE FROM binding WHERE project = ? AND participant = ? AND patient = ? AND allocated = 0',
      ...[row.project, row.participant, row.patient],
    )
  }

  /** Of which study and project a request is, that was made or is held. */
  whatIs(
    requestId: string,
  ): { readonly StudyInstanceUID: string; readonly project: string } | undefined {
    return this.#sql.get(
      `SELECT StudyInstanceUID, known.project FROM (
         SELECT key, project FROM held WHERE requestId = ? UNION SELECT key, project FROM request WHERE requestId = ?
       ) AS known JOIN study ON study.key = known.key LIMIT 1`,
      ...[requestId, requestId],
    ) as { StudyInstanceUID: string; project: string } | undefined
  }
}
