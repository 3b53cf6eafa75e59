import {
  isRecordOf,
  parseRecord,
  type AnyRecord,
  type DeidentifiedRecord,
  type HeldRecord,
  type InstanceRecord,
  type SeriesRecord,
  type StudyRecord,
  type TransferRecord,
} from '../record/index.ts'
import { isUid } from '../uid/index.ts'
import type { Database } from '../sqlite/index.ts'

/** More of a text from a header is not kept: an LT has 10 kB, and nobody reads that in a list. */
const longestText = 256
const longestMessage = 1000

/** Rows of one kind that a batch has touched: read once, changed in memory, written once. */
interface Row {
  readonly id: number
  firstTime: number | null
  lastTime: number
  counted: number
  countedBytes: number
  told: number
  toldBytes: number
  [attribute: string]: string | number | null
}
interface Touched {
  readonly row: Row
  readonly project: string
  readonly isNew: boolean
  readonly before: { readonly instances: number; readonly bytes: number }
}

const studyAttributes = [
  ...['PatientID', 'PatientName', 'StudyDate', 'StudyTime', 'StudyDescription'],
  ...['AccessionNumber', 'callingAET', 'calledAET'],
] as const
const seriesAttributes = ['Modality', 'SeriesNumber', 'SeriesDescription'] as const
const counts = ['firstTime', 'lastTime', 'counted', 'countedBytes', 'told', 'toldBytes'] as const

/** Beside errors. */
const indexed: ReadonlySet<string> = new Set([
  ...['instance', 'series', 'study', 'deidentified', 'held', 'transfer'],
])

/** Prepared once for a database. */
export type Statements = ReturnType<typeof prepare>

export function prepare(database: Database) {
  const set = (columns: readonly string[]) => columns.map((name) => `${name} = @${name}`).join(', ')
  return {
    studyMade: database.prepare(
      'INSERT OR IGNORE INTO study (project, StudyInstanceUID) VALUES (?, ?)',
    ),
    study: database.prepare('SELECT * FROM study WHERE project = ? AND StudyInstanceUID = ?'),
    studyWritten: database.prepare(
      `UPDATE study SET ${set([...counts, ...studyAttributes, 'revision', 'completeTime', 'reason', 'conflicts'])} WHERE id = @id`,
    ),
    seriesMade: database.prepare(
      'INSERT OR IGNORE INTO series (study, project, SeriesInstanceUID) VALUES (?, ?, ?)',
    ),
    series: database.prepare('SELECT * FROM series WHERE study = ? AND SeriesInstanceUID = ?'),
    seriesWritten: database.prepare(
      `UPDATE series SET ${set([...counts, ...seriesAttributes])} WHERE id = @id`,
    ),
    instance: database.prepare('INSERT OR IGNORE INTO instance (series, name) VALUES (?, ?)'),
    studyUntyped: database.prepare('DELETE FROM study_type WHERE study = ?'),
    studyTyped: database.prepare('INSERT OR IGNORE INTO study_type (study, type) VALUES (?, ?)'),
    seriesUntyped: database.prepare('DELETE FROM series_type WHERE series = ?'),
    seriesTyped: database.prepare('INSERT OR IGNORE INTO series_type (series, type) VALUES (?, ?)'),
    error: database.prepare('INSERT OR IGNORE INTO error VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    retried: database.prepare('INSERT OR IGNORE INTO retried VALUES (?)'),
    requestMade: database.prepare(
      `INSERT INTO request (requestId, project, lastTime, madeTime, revision, instances)
       VALUES (@requestId, @project, @time, @time, @revision, @instances)
       ON CONFLICT (requestId) DO UPDATE SET lastTime = max(lastTime, excluded.lastTime),
         instances = CASE WHEN excluded.madeTime >= madeTime THEN excluded.instances ELSE instances END,
         revision = max(revision, excluded.revision), madeTime = max(madeTime, excluded.madeTime)`,
    ),
    requestHeld: database.prepare(
      `INSERT INTO request (requestId, project, lastTime, heldTime, reasons, how)
       VALUES (@requestId, @project, @time, @time, @reasons, @how)
       ON CONFLICT (requestId) DO UPDATE SET lastTime = max(lastTime, excluded.lastTime),
         reasons = CASE WHEN excluded.heldTime >= heldTime THEN excluded.reasons ELSE reasons END,
         how = CASE WHEN excluded.heldTime >= heldTime THEN excluded.how ELSE how END,
         heldTime = max(heldTime, excluded.heldTime)`,
    ),
    requestSent: database.prepare(
      `INSERT INTO request (requestId, project, lastTime) VALUES (@requestId, @project, @time)
       ON CONFLICT (requestId) DO UPDATE SET lastTime = max(lastTime, excluded.lastTime)`,
    ),
    transfer: database.prepare(
      `INSERT INTO transfer VALUES (@requestId, @destination, @time, @revision, @status)
       ON CONFLICT (requestId, destination) DO UPDATE SET
         time = excluded.time, revision = excluded.revision, status = excluded.status
       WHERE excluded.time >= transfer.time`,
    ),
    project: database.prepare(
      `INSERT INTO project VALUES (@name, @studies, @series, @instances, @bytes, @lastTime)
       ON CONFLICT (name) DO UPDATE SET studies = studies + excluded.studies,
         series = series + excluded.series, instances = instances + excluded.instances,
         bytes = bytes + excluded.bytes, lastTime = max(lastTime, excluded.lastTime)`,
    ),
  }
}

/** The records of one transaction. Within it, what many records say of one series is written once. */
export class Batch {
  readonly #do: Statements
  #studies = new Map<string, Touched>()
  #series = new Map<string, Touched>()

  constructor(statements: Statements) {
    this.#do = statements
  }

  /**
   * What is no valid record of its type is passed over: whoever handles it tells of it.
   * @param place where it stands in a journal; an error without one has no name and is not taken
   */
  take(record: AnyRecord, place?: string): void {
    if (record.type === 'retried') {
      if (typeof record['error'] === 'string') this.#do.retried.run(record['error'])
      return
    }
    if (record.type === 'error') {
      if (place !== undefined) this.#takeError(record, place)
      return
    }
    if (!indexed.has(record.type)) return
    let parsed: AnyRecord
    try {
      parsed = parseRecord(record)
    } catch {
      return
    }
    if (isRecordOf(parsed, 'instance')) this.#takeInstance(parsed)
    else if (isRecordOf(parsed, 'series')) this.#takeSeries(parsed)
    else if (isRecordOf(parsed, 'study')) this.#takeStudy(parsed)
    else if (isRecordOf(parsed, 'deidentified')) this.#takeMade(parsed)
    else if (isRecordOf(parsed, 'held')) this.#takeHeld(parsed)
    else if (isRecordOf(parsed, 'transfer')) this.#takeTransfer(parsed)
  }

  /** Writes what was changed in memory; the transaction is the caller's. */
  finish(): void {
    for (const { row } of this.#studies.values()) this.#do.studyWritten.run(row)
    for (const { row } of this.#series.values()) this.#do.seriesWritten.run(row)
    const projects = new Map<string, Record<string, number>>()
    const deltaOf = (name: string) => {
      const known = projects.get(name) ?? {
        studies: 0,
        series: 0,
        instances: 0,
        bytes: 0,
        lastTime: 0,
      }
      projects.set(name, known)
      return known
    }
    for (const { row, project, isNew, before } of this.#studies.values()) {
      const delta = deltaOf(project)
      const now = shown(row)
      delta['studies'] = (delta['studies'] ?? 0) + (isNew ? 1 : 0)
      delta['instances'] = (delta['instances'] ?? 0) + now.instances - before.instances
      delta['bytes'] = (delta['bytes'] ?? 0) + now.bytes - before.bytes
      delta['lastTime'] = Math.max(delta['lastTime'] ?? 0, row.lastTime)
    }
    for (const { project, isNew } of this.#series.values()) {
      const delta = deltaOf(project)
      delta['series'] = (delta['series'] ?? 0) + (isNew ? 1 : 0)
    }
    for (const [name, delta] of projects) this.#do.project.run({ name, ...delta })
  }

  #takeInstance(record: InstanceRecord): void {
    const { row: study, project } = this.#studyOf(record.project, record.StudyInstanceUID)
    const series = this.#seriesOf(study, project, record.SeriesInstanceUID).row
    const time = milliseconds(record.time)
    const { attributes = {}, source = {} } = record
    // The first object says what its study is called, whatever is read first.
    if (study.firstTime === null || time < study.firstTime) {
      fill(study, studyAttributes, { ...attributes, ...source })
      study.firstTime = time
    }
    if (series.firstTime === null || time < series.firstTime) {
      fill(series, seriesAttributes, attributes)
      series.firstTime = time
    }
    if (this.#do.instance.run(series.id, nameOf(record)).changes === 0) return
    for (const row of [study, series]) {
      row.countedBytes += record.size
      // What a study record said of the time is only for want of instances, whichever is read first.
      row.lastTime = row.counted === 0 ? time : Math.max(row.lastTime, time)
      row.counted += 1
    }
  }

  #takeSeries(record: SeriesRecord): void {
    const { row: study, project } = this.#studyOf(record.project, record.StudyInstanceUID)
    const series = this.#seriesOf(study, project, record.SeriesInstanceUID).row
    this.#tell(series, record, seriesAttributes, milliseconds(record.time))
  }

  #takeStudy(record: StudyRecord): void {
    const { row: study, project } = this.#studyOf(record.project, record.StudyInstanceUID)
    const time = milliseconds(record.time)
    if (record.revision < Number(study['revision'] ?? 0)) return
    study.told = record.instances
    study.toldBytes = record.bytes
    study['revision'] = record.revision
    study['completeTime'] = time
    study['reason'] = cut(record.reason)
    const conflicts = record.attributes?.['conflicts']
    study['conflicts'] = Array.isArray(conflicts) ? cut(conflicts.join(' ')) : null
    if (study.firstTime === null) fill(study, studyAttributes, record.attributes ?? {})
    if (study.counted === 0) study.lastTime = Math.max(study.lastTime, time)
    this.#do.studyUntyped.run(study.id)
    for (const type of record.ClassifyType ?? []) this.#do.studyTyped.run(study.id, cut(type))
    for (const entry of record.series) {
      const series = this.#seriesOf(study, project, entry.SeriesInstanceUID).row
      const { Modality = '', SeriesDescription = '' } = entry
      const attributes = { Modality, SeriesDescription }
      this.#tell(series, { bytes: 0, ...entry, attributes }, seriesAttributes, time)
    }
  }

  #tell(
    row: Row,
    said: Pick<SeriesRecord, 'instances' | 'bytes' | 'attributes' | 'ClassifyType'>,
    keywords: readonly string[],
    time: number,
  ): void {
    if (said.instances < row.told) return
    row.told = said.instances
    row.toldBytes = Math.max(row.toldBytes, said.bytes)
    if (row.firstTime === null) fill(row, keywords, said.attributes ?? {})
    if (row.counted === 0) row.lastTime = Math.max(row.lastTime, time)
    if (said.ClassifyType === undefined) return
    this.#do.seriesUntyped.run(row.id)
    for (const type of said.ClassifyType) this.#do.seriesTyped.run(row.id, cut(type))
  }

  #takeError(error: AnyRecord, place: string): void {
    const inner = (error['record'] ?? {}) as Record<string, unknown>
    const study = inner['StudyInstanceUID']
    const text = (value: unknown, most = longestText) =>
      typeof value === 'string' ? value.slice(0, most) : null
    this.#do.error.run(
      place,
      milliseconds(text(error['time']) ?? undefined),
      text(error['tool']),
      text(error['stage']),
      text(error['code']) ?? 'E_INTERNAL',
      text(error['message'], longestMessage),
      error['retryable'] === true ? 1 : 0,
      text(inner['project']),
      isUid(study) ? study : null,
    )
  }

  #takeMade({
    requestId,
    project = 'default',
    time,
    revision,
    instances,
  }: DeidentifiedRecord): void {
    const made = { requestId: cut(requestId), project, time: milliseconds(time) }
    this.#do.requestMade.run({ ...made, revision, instances })
  }

  #takeHeld({ requestId, project = 'default', time, reasons, how }: HeldRecord): void {
    const codes = cut([...new Set(reasons.map(({ code }) => code))].join(' '))
    const held = { requestId: cut(requestId), project, time: milliseconds(time) }
    this.#do.requestHeld.run({ ...held, reasons: codes, how: how.slice(0, longestMessage) })
  }

  #takeTransfer(record: TransferRecord): void {
    const { project = 'default', destination, status } = record
    const requestId = cut(record.requestId)
    const time = milliseconds(record.time)
    const revision = Number((record as AnyRecord)['revision'] ?? 0)
    this.#do.requestSent.run({ requestId, project, time })
    const whole = { requestId, destination: cut(destination), time, status }
    this.#do.transfer.run({ ...whole, revision: Number.isInteger(revision) ? revision : 0 })
  }

  #studyOf(project = 'default', uid: string): Touched {
    return touch(this.#studies, `${project}\n${uid}`, project, () => {
      const isNew = this.#do.studyMade.run(project, uid).changes === 1
      return { isNew, row: this.#do.study.get(project, uid) as Row }
    })
  }

  #seriesOf(study: Row, project: string, uid: string): Touched {
    return touch(this.#series, `${String(study.id)}\n${uid}`, project, () => {
      const isNew = this.#do.seriesMade.run(study.id, project, uid).changes === 1
      return { isNew, row: this.#do.series.get(study.id, uid) as Row }
    })
  }
}

function touch(
  touched: Map<string, Touched>,
  key: string,
  project: string,
  read: () => Pick<Touched, 'isNew' | 'row'>,
): Touched {
  const known = touched.get(key)
  if (known !== undefined) return known
  const { isNew, row } = read()
  const one = { row, project, isNew, before: shown(row) }
  touched.set(key, one)
  return one
}

function shown({ counted, told, countedBytes, toldBytes }: Row) {
  return { instances: Math.max(counted, told), bytes: Math.max(countedBytes, toldBytes) }
}

/** The archive keeps another object of the same UID under a name with a digest. */
function nameOf({ path, SOPInstanceUID }: InstanceRecord): string {
  return SOPInstanceUID + (/~[0-9a-f]{16}(?=\.dcm$)/.exec(path)?.[0] ?? '')
}

function fill(
  row: Row,
  keywords: readonly string[],
  from: Readonly<Record<string, unknown>>,
): void {
  for (const keyword of keywords) {
    const value = from[keyword]
    const text = Array.isArray(value) ? value.join('\\') : value
    row[keyword] = typeof text === 'string' && text !== '' ? cut(text) : null
  }
}

function cut(text: string): string {
  return text.slice(0, longestText)
}

function milliseconds(time: string | undefined): number {
  const parsed = time === undefined ? Number.NaN : Date.parse(time)
  return Number.isNaN(parsed) ? 0 : parsed
}
