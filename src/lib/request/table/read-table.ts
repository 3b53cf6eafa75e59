import { linesOf, TableMistake } from './cells.ts'
import { type KeyKeyword, keyKeywords, type Row } from './row.ts'

type Column = KeyKeyword | 'project' | 'participant' | 'event' | 'date'

/** How columns may be called, in any capitals: ours, and those of the original's upload and of its REDCap project. */
const columnNames: Readonly<Record<string, Column>> = {
  studyinstanceuid: 'StudyInstanceUID',
  cl_studyinstanceuid: 'StudyInstanceUID',
  accessionnumber: 'AccessionNumber',
  cl_accessionnumber: 'AccessionNumber',
  patientid: 'PatientID',
  project: 'project',
  projectname: 'project',
  cl_projectname: 'project',
  participant: 'participant',
  subjectid: 'participant',
  cl_subjectid: 'participant',
  event: 'event',
  eventname: 'event',
  cl_eventname: 'event',
  date: 'date',
  cl_date: 'date',
}

const separators = [',', ';', '\t'] as const
const longestCell = 1024

/**
 * The rows of a coupling table, one by one: CSV or TSV with a header.
 * @throws TableMistake with the first line that cannot be used
 */
export function* readRows(text: string): Generator<Row, void, undefined> {
  const { separator, columns, rest } = readHeader(text)
  // The same few texts stand in every row.
  const shared = new Map<string, string>()
  const share = (value: string): string => {
    const same = shared.get(value)
    if (same !== undefined) return same
    if (shared.size < mostShared) shared.set(value, value)
    return value
  }
  for (const { number, cells } of linesOf(text, separator, rest)) {
    if (cells.slice(columns.length).some((cell) => cell.trim() !== '')) {
      throw new TableMistake(
        number,
        `it has ${String(cells.length)} cells, the header ${String(columns.length)}`,
      )
    }
    yield rowOf(number, columns, cells, share)
  }
}

/** Of participants there may be as many as rows. */
const mostShared = 10_000

interface Header {
  readonly separator: string
  /** Undefined: a column that means nothing here. */
  readonly columns: readonly (Column | undefined)[]
  readonly rest: { readonly at: number; readonly number: number }
}

function readHeader(text: string): Header {
  let at = text.startsWith('\uFEFF') ? 1 : 0
  let number = 1
  // What Excel understands, and writes: which separator the file has.
  const told = /sep=.\r?\n/iy
  told.lastIndex = at
  if (told.test(text)) {
    at = told.lastIndex
    number = 2
  }
  while (/[\r\n]/.test(text[at] ?? '')) {
    number += text[at] === '\n' ? 1 : 0
    at += 1
  }
  const found = /\r\n|\r|\n/g
  found.lastIndex = at
  const lineEnd = found.exec(text)
  const header = text.slice(at, Math.min(lineEnd?.index ?? text.length, at + longestHeader))
  const rest = { at: lineEnd === null ? text.length : found.lastIndex, number: number + 1 }
  const separator = separators.reduce((best, one) =>
    header.split(one).length > header.split(best).length ? one : best,
  )
  const [first] = linesOf(header, separator, { at: 0, number })
  const columns = (first?.cells ?? []).map((cell) => columnOf(cell))
  requireColumns(columns, number)
  return { separator, columns, rest }
}

const longestHeader = 4096

function columnOf(cell: string): Column | undefined {
  const name = cell.trim().toLowerCase()
  return Object.hasOwn(columnNames, name) ? columnNames[name] : undefined
}

/** Nothing of the line itself is told: it may be a row, of a patient, and goes into a log. */
function requireColumns(columns: readonly (Column | undefined)[], line: number): void {
  const isThere = (...names: readonly Column[]) => names.some((name) => columns.includes(name))
  const twice = columns.find((name, at) => name !== undefined && columns.indexOf(name) !== at)
  const missing = !isThere(...keyKeywords)
    ? `a column ${keyKeywords.join(', ')}`
    : !isThere('project')
      ? 'a column project (or ProjectName)'
      : !isThere('participant')
        ? 'a column participant (or subjectid)'
        : undefined
  if (missing !== undefined) {
    throw new TableMistake(line, `the header lacks ${missing}`)
  }
  if (twice !== undefined) throw new TableMistake(line, `the header has the column ${twice} twice`)
}

function rowOf(
  line: number,
  columns: readonly (Column | undefined)[],
  cells: readonly string[],
  share: (value: string) => string,
): Row {
  const found: Partial<Record<Column, string>> = {}
  for (const [at, column] of columns.entries()) {
    if (column === undefined) continue
    const value = (cells[at] ?? '').trim()
    if (value === '') continue
    if (value.length > longestCell) {
      throw new TableMistake(line, `the ${column} is longer than ${String(longestCell)} characters`)
    }
    if (/\p{Cc}/u.test(value)) {
      throw new TableMistake(line, `the ${column} has a control character in it`)
    }
    found[column] = value
  }
  const { project, participant, event, date, ...keys } = found
  if (Object.keys(keys).length === 0) {
    throw new TableMistake(line, 'nothing says which study it is of')
  }
  if (project === undefined) throw new TableMistake(line, 'the project is missing')
  if (participant === undefined) throw new TableMistake(line, 'the participant is missing')
  const day = date?.slice(0, 10)
  if (day !== undefined && !isDay(day)) {
    throw new TableMistake(line, 'the date is no date such as 2026-11-24')
  }
  return {
    line,
    keys,
    project: share(project),
    participant,
    event: event === undefined ? undefined : share(event),
    date: day,
  }
}

function isDay(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`))
}
