import type { Database } from '../sqlite/index.ts'

export interface Questions {
  readonly project?: string | undefined
  /** Milliseconds since 1970. */
  readonly sinceMs?: number | undefined
  /** A ClassifyType or a Modality; of errors, their code; of deliveries, their state. */
  readonly type?: string | undefined
  /** Not more than so many; all unless told. */
  readonly limit?: number | undefined
}

export interface Listing {
  /** Newest first. */
  readonly rows: Iterable<Readonly<Record<string, unknown>>>
  /** How many answer to the questions, shown or not: counted when it is asked for. */
  readonly total: number
}

/** Of a study: nobody has handed in again what they hold. One whose record names no project may be of any. */
const errorsOf = `ifnull((SELECT sum(open) FROM study_errors WHERE study_errors.StudyInstanceUID = study.StudyInstanceUID
  AND study_errors.project IN (study.project, '')), 0)`

type Condition = readonly [sql: string, values: readonly (string | number)[]]

export function listStudies(database: Database, questions: Questions): Listing {
  return list(database, {
    columns: `'study-summary' AS type, project, StudyInstanceUID, PatientID, PatientName, StudyDate,
      StudyTime, StudyDescription, AccessionNumber,
      (SELECT group_concat(DISTINCT Modality) FROM series WHERE series.study = study.id) AS ModalitiesInStudy,
      (SELECT count(*) FROM series WHERE series.study = study.id) AS series,
      max(counted, told) AS instances, max(countedBytes, toldBytes) AS bytes,
      CASE WHEN ${errorsOf} > 0 THEN 'failed' WHEN revision IS NULL THEN 'arriving'
        WHEN counted > told THEN 'late objects' ELSE 'complete' END AS state,
      nullif(${errorsOf}, 0) AS errors, revision, reason, conflicts, callingAET, calledAET, ${iso('firstTime')}, ${iso('lastTime')},
      ifnull(types, '[]') AS ClassifyType`,
    ...ofKind('study', questions),
    limit: questions.limit,
  })
}

export function listSeries(database: Database, questions: Questions): Listing {
  return list(database, {
    columns: `'series-summary' AS type, project,
      (SELECT StudyInstanceUID FROM study WHERE study.id = series.study) AS StudyInstanceUID,
      SeriesInstanceUID, Modality, SeriesNumber, SeriesDescription,
      max(counted, told) AS instances, max(countedBytes, toldBytes) AS bytes,
      ${iso('firstTime')}, ${iso('lastTime')}, ifnull(types, '[]') AS ClassifyType`,
    ...ofKind('series', questions),
    limit: questions.limit,
  })
}

/**
 * Of one kind its own table tells, newest first, which they are. In it all of the kind are side by side, so that those of a
 * project are picked out as they go by; the rows are looked up of these alone (CROSS JOIN keeps that order).
 */
function ofKind(table: 'study' | 'series', { project, sinceMs, type }: Questions) {
  if (type === undefined) {
    return {
      counted: table,
      from: table,
      time: `${table}.lastTime`,
      conditions: common(project, sinceMs, 'lastTime'),
    }
  }
  const kinds = `${table}_kind`
  return {
    counted: kinds,
    from: `${kinds} CROSS JOIN ${table} ON ${table}.id = ${kinds}.${table}`,
    time: 'kindTime',
    conditions: [...only('kind', type), ...common(project, sinceMs, 'kindTime', 'kindProject')],
  }
}

export function listProjects(database: Database, { project, sinceMs, limit }: Questions): Listing {
  return list(database, {
    columns: `'project-summary' AS type, name AS project, studies, series, instances, bytes, ${iso('lastTime')},
      held, failed, delivered, errors`,
    from: 'project',
    time: 'project.lastTime',
    conditions: [
      // An error record may name whatever project it likes.
      ['(studies > 0 OR held > 0 OR failed > 0 OR delivered > 0)', []],
      ...common(project, sinceMs, 'project.lastTime', 'name'),
    ],
    limit,
  })
}

/** What went to research, or waits for that: by the number of the request, which tells nothing of anybody. */
export function listDeliveries(
  database: Database,
  { project, sinceMs, type, limit }: Questions,
): Listing {
  return list(database, {
    columns: `'delivery-summary' AS type, ${iso('lastTime')}, project, state, instances,
      (SELECT group_concat(destination, ' ') FROM transfer WHERE transfer.requestId = request.requestId) AS destinations,
      CASE WHEN state = 'held' THEN reasons END AS reasons, CASE WHEN state = 'held' THEN how END AS how,
      nullif(revision, 0) AS revision, requestId`,
    from: 'request',
    time: 'request.lastTime',
    conditions: [
      ...common(project, sinceMs, 'request.lastTime', projectBeside(type)),
      ...only('state', type),
    ],
    limit,
  })
}

export function listErrors(
  database: Database,
  { project, sinceMs, type, limit }: Questions,
): Listing {
  return list(database, {
    columns: `'error-summary' AS type, ${iso('time')}, stage, tool, code, message, retryable, project,
      StudyInstanceUID, place, place IN (SELECT place FROM retried) AS retried`,
    from: 'error',
    time: 'error.time',
    conditions: [
      ...common(project, sinceMs, 'error.time', projectBeside(type)),
      ...only('code', type),
    ],
    limit,
  })
}

/** With a type, the index by that is walked, which has the project too: the plus keeps SQLite from the one by project. */
function projectBeside(type: string | undefined): string {
  return type === undefined ? 'project' : '+project'
}

/** Of one value in a column; of all unless told. */
function only(column: string, value: string | undefined): Condition[] {
  return value === undefined ? [] : [[`${column} = ?`, [value]]]
}

function list(
  database: Database,
  query: {
    readonly columns: string
    readonly from: string
    /** What the conditions are about, where that is less than `from`. */
    readonly counted?: string
    /** With its table: an answer has a text of that name, by which all rows would be sorted. */
    readonly time: string
    readonly conditions: readonly Condition[]
    readonly limit: number | undefined
  },
): Listing {
  const { columns, from, counted = from, time, conditions, limit } = query
  const where =
    conditions.length === 0 ? '' : `WHERE ${conditions.map(([sql]) => sql).join(' AND ')}`
  const values = conditions.flatMap(([, one]) => one)
  const rows = database
    .prepare(`SELECT ${columns} FROM ${from} ${where} ORDER BY ${time} DESC LIMIT ?`)
    .iterate(...values, limit ?? -1) as Iterable<Record<string, unknown>>
  const count = database.prepare(`SELECT count(*) FROM ${counted} ${where}`).pluck()
  return {
    get total() {
      return Number(count.get(...values))
    },
    rows: readable(rows),
  }
}

function common(
  project: string | undefined,
  sinceMs: number | undefined,
  time: string,
  column = 'project',
): Condition[] {
  return [
    ...(project === undefined ? [] : [[`${column} = ?`, [project]] satisfies Condition]),
    ...(sinceMs === undefined ? [] : [[`${time} >= ?`, [sinceMs]] satisfies Condition]),
  ]
}

function iso(column: string): string {
  return `CASE WHEN ${column} > 0 THEN strftime('%Y-%m-%dT%H:%M:%fZ', ${column} / 1000.0, 'unixepoch') END AS ${column}`
}

/** SQLite has neither lists nor booleans; what is not known is left out. */
function* readable(
  rows: Iterable<Record<string, unknown>>,
): Generator<Readonly<Record<string, unknown>>> {
  for (const row of rows) {
    const known = Object.entries(row).flatMap(([key, value]) => {
      if (value === null) return []
      if (key === 'ClassifyType') return [[key, JSON.parse(value as string) as unknown]]
      if (key === 'retryable' || key === 'retried') return [[key, value === 1]]
      return [[key, value]]
    })
    yield Object.fromEntries(known) as Record<string, unknown>
  }
}
