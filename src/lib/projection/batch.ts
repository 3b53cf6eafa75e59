import {
  isRecordOf,
  parseRecord,
  type AnyRecord,
  type InstanceRecord,
  type SeriesRecord,
  type StudyRecord,
} from '../record/index.ts'
import { isUid } from '../uid/index.ts'
import { Fates } from './fates.ts'
import { fileKinds } from './kinds.ts'
import { ProjectCounts } from './project-counts.ts'
import {
  asTouched,
  cut,
  fill,
  longestText,
  milliseconds,
  typesText,
  type Row,
  type Touched,
  type TouchedSeries,
} from './rows.ts'
import { seriesAttributes, studyAttributes, type Statements } from './statements.ts'

const longestMessage = 1000

/** Beside errors. */
const indexed: ReadonlySet<string> = new Set([
  ...['instance', 'series', 'study', 'deidentified', 'held', 'transfer'],
])

/** What an error is of, as far as its record says. */
interface ErrorPlace {
  readonly project: string | null
  readonly study: string | null
}

/** The records of one transaction. Within it, what many records say of one series is written once. */
export class Batch {
  readonly #do: Statements
  readonly #studies = new Map<string, Touched>()
  readonly #series = new Map<string, TouchedSeries>()
  readonly #counts = new ProjectCounts()
  readonly #fates: Fates

  constructor(statements: Statements) {
    this.#do = statements
    this.#fates = new Fates(statements)
  }

  /**
   * What is no valid record of its type is passed over: whoever handles it tells of it.
   * @param place where it stands in a journal; an error without one has no name and is not taken
   */
  take(record: AnyRecord, place?: string): void {
    if (record.type === 'retried') {
      if (typeof record['error'] === 'string') this.#takeRetried(record['error'])
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
    else if (isRecordOf(parsed, 'deidentified')) this.#fates.made(parsed)
    else if (isRecordOf(parsed, 'held')) this.#fates.held(parsed)
    else if (isRecordOf(parsed, 'transfer')) this.#fates.ended(parsed)
  }

  /** Writes what was changed in memory; the transaction is the caller's. */
  finish(): void {
    for (const series of this.#series.values()) {
      this.#do.seriesWritten.run(series.row)
      this.#counts.series(series)
    }
    fileKinds(this.#do, this.#studies.values(), this.#series.values())
    for (const study of this.#studies.values()) {
      this.#do.studyWritten.run(study.row)
      this.#counts.study(study)
    }
    this.#counts.fates(this.#fates.settle())
    this.#counts.write(this.#do)
  }

  #takeInstance(record: InstanceRecord): void {
    const ofStudy = this.#studyOf(record.project, record.StudyInstanceUID)
    const study = ofStudy.row
    const series = this.#seriesOf(ofStudy, record.SeriesInstanceUID).row
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
    const study = this.#studyOf(record.project, record.StudyInstanceUID)
    const series = this.#seriesOf(study, record.SeriesInstanceUID).row
    this.#tell(series, record, seriesAttributes, milliseconds(record.time))
  }

  #takeStudy(record: StudyRecord): void {
    const ofStudy = this.#studyOf(record.project, record.StudyInstanceUID)
    const study = ofStudy.row
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
    study.types = typesText(record.ClassifyType)
    for (const entry of record.series) {
      const series = this.#seriesOf(ofStudy, entry.SeriesInstanceUID).row
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
    if (said.ClassifyType !== undefined) row.types = typesText(said.ClassifyType)
  }

  #takeError(error: AnyRecord, place: string): void {
    const inner = (error['record'] ?? {}) as Record<string, unknown>
    const study = inner['StudyInstanceUID']
    const text = (value: unknown, most = longestText) =>
      typeof value === 'string' ? value.slice(0, most) : null
    const of = { project: text(inner['project']), study: isUid(study) ? study : null }
    const { changes } = this.#do.error.run(
      place,
      milliseconds(text(error['time']) ?? undefined),
      text(error['tool']),
      text(error['stage']),
      text(error['code']) ?? 'E_INTERNAL',
      text(error['message'], longestMessage),
      error['retryable'] === true ? 1 : 0,
      of.project,
      of.study,
    )
    // The note that it was handed in again may have been read first.
    if (changes === 1 && this.#do.isRetried.get(place) === undefined) this.#countError(of, 1)
  }

  #takeRetried(place: string): void {
    if (this.#do.retried.run(place).changes === 0) return
    const of = this.#do.whereErrorIs.get(place) as ErrorPlace | undefined
    if (of !== undefined) this.#countError(of, -1)
  }

  #countError({ project, study }: ErrorPlace, more: 1 | -1): void {
    if (project !== null) this.#counts.error(project, more)
    if (study !== null) this.#do.studyErrors.run(study, project ?? '', more)
  }

  #studyOf(project = 'default', uid: string): Touched {
    const key = `${project}\n${uid}`
    const known = this.#studies.get(key)
    if (known !== undefined) return known
    const isNew = this.#do.studyMade.run(project, uid).changes === 1
    const study = asTouched(this.#do.study.get(project, uid) as Row, project, isNew)
    this.#studies.set(key, study)
    return study
  }

  #seriesOf(study: Touched, uid: string): TouchedSeries {
    const key = `${String(study.row.id)}\n${uid}`
    const known = this.#series.get(key)
    if (known !== undefined) return known
    const { row, project } = study
    const isNew = this.#do.seriesMade.run(row.id, project, uid).changes === 1
    const found = this.#do.series.get(row.id, uid) as Row
    const series = { ...asTouched(found, project, isNew), study }
    this.#series.set(key, series)
    return series
  }
}

/** The archive keeps another object of the same UID under a name with a digest. */
function nameOf({ path, SOPInstanceUID }: InstanceRecord): string {
  return SOPInstanceUID + (/~[0-9a-f]{16}(?=\.dcm$)/.exec(path)?.[0] ?? '')
}
