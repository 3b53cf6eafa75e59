import { displayWidth, fitText, visibleText, localMinute } from '../text/index.ts'

type Row = Readonly<Record<string, unknown>>
interface Column {
  readonly title: string
  readonly of: (row: Row) => string
  /** May be cut where the terminal is narrow; others never are, unless nothing else helps. */
  readonly flexible?: boolean
  /** One that may be cut keeps at least so much, 8 unless told. */
  readonly least?: number
  /** Left out where there is no room, the highest first. */
  readonly spare?: number
}

const text = (key: string) => (row: Row) => {
  const value = row[key]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}
const time = (key: string) => (row: Row) => localTime(row[key])
const types = (row: Row) =>
  Array.isArray(row['ClassifyType']) ? row['ClassifyType'].join(' ') : ''
const size = (row: Row) => bytesText(Number(row['bytes'] ?? 0))

/** What is none is left blank: what is some is seen. */
const countOf = (key: string) => (row: Row) => (row[key] === 0 ? '' : text(key)(row))

/** Something that must be the same in a study differs; should that be whose it is, in words. */
const conflictMark = (row: Row) => {
  const keywords = text('conflicts')(row)
  if (keywords === '') return ''
  return keywords.split(' ').includes('PatientID') ? ' ! patients' : ' !'
}

const columns: Readonly<Record<string, readonly Column[]>> = {
  studies: [
    { title: 'LAST OBJECT', of: time('lastTime') },
    { title: 'PROJECT', of: text('project'), flexible: true },
    { title: 'PATIENT', of: text('PatientID'), flexible: true },
    { title: 'DATE', of: text('StudyDate'), spare: 3 },
    { title: 'MOD', of: text('ModalitiesInStudy') },
    { title: 'DESCRIPTION', of: text('StudyDescription'), flexible: true },
    { title: 'SERIES', of: text('series'), spare: 1 },
    { title: 'OBJECTS', of: text('instances') },
    { title: 'SIZE', of: size, spare: 2 },
    { title: 'STATE', of: (row) => text('state')(row) + conflictMark(row) },
    { title: 'STUDY', of: text('StudyInstanceUID'), spare: 4 },
  ],
  series: [
    { title: 'LAST OBJECT', of: time('lastTime') },
    { title: 'PROJECT', of: text('project'), flexible: true },
    { title: 'MOD', of: text('Modality') },
    { title: 'NO', of: text('SeriesNumber') },
    { title: 'DESCRIPTION', of: text('SeriesDescription'), flexible: true },
    { title: 'OBJECTS', of: text('instances') },
    { title: 'SIZE', of: size, spare: 2 },
    { title: 'TYPES', of: types, flexible: true },
    { title: 'SERIES', of: text('SeriesInstanceUID'), spare: 4 },
  ],
  projects: [
    { title: 'PROJECT', of: text('project'), flexible: true },
    { title: 'STUDIES', of: text('studies') },
    { title: 'SERIES', of: text('series') },
    { title: 'OBJECTS', of: text('instances') },
    { title: 'SIZE', of: size, spare: 2 },
    { title: 'HELD', of: countOf('held') },
    { title: 'FAILED', of: countOf('failed') },
    { title: 'DELIVERED', of: countOf('delivered'), spare: 1 },
    { title: 'ERRORS', of: countOf('errors') },
    { title: 'LAST OBJECT', of: time('lastTime') },
  ],
  deliveries: [
    { title: 'LAST NEWS', of: time('lastTime') },
    { title: 'PROJECT', of: text('project'), flexible: true },
    { title: 'STATE', of: text('state') },
    { title: 'OBJECTS', of: text('instances'), spare: 2 },
    { title: 'DESTINATION', of: text('destinations'), flexible: true },
    { title: 'WHY', of: text('reasons'), flexible: true },
    { title: 'REQUEST', of: text('requestId'), flexible: true, least: 12 },
  ],
  errors: [
    { title: 'TIME', of: time('time') },
    { title: 'STAGE', of: (row) => text('stage')(row) || text('tool')(row) },
    { title: 'CODE', of: text('code') },
    { title: 'PROJECT', of: text('project'), flexible: true, spare: 2 },
    { title: 'RETRIED', of: (row) => (row['retried'] === true ? 'yes' : '') },
    { title: 'MESSAGE', of: text('message'), flexible: true, least: 24 },
    { title: 'STUDY', of: text('StudyInstanceUID'), spare: 4 },
  ],
}

const gap = 2
/** A column that may be cut keeps at least so much. A UID is whole or not there: half of one helps nobody. */
const leastWidth = 8

/** Lines of at most `width` columns of a terminal, with nothing in them that a terminal would obey. */
export function tableOf(what: string, rows: readonly Row[], width: number): string[] {
  const drawn = (columns[what] ?? []).map((column) => {
    const cells = [column.title, ...rows.map((row) => visibleText(column.of(row)))]
    const wanted = Math.max(...cells.map(displayWidth))
    const least = column.flexible === true ? Math.min(wanted, column.least ?? leastWidth) : wanted
    return { cells, width: wanted, least, spare: column.spare ?? 0 }
  })
  while (total(drawn.map(({ least }) => least)) > width) {
    const spare = Math.max(...drawn.map((column) => column.spare))
    if (spare <= 0) break
    drawn.splice(
      drawn.findIndex((column) => column.spare === spare),
      1,
    )
  }
  for (let over = total(drawn.map((column) => column.width)) - width; over > 0; over--) {
    // The widest of those that may be cut gives, one place at a time.
    const [widest] = drawn
      .filter((column) => column.width > column.least)
      .sort((a, b) => b.width - a.width)
    if (widest === undefined) break
    widest.width--
  }
  return [undefined, ...rows].map((_, at) => {
    const line = drawn
      .map((column) => fitText(column.cells[at] ?? '', column.width))
      .join(' '.repeat(gap))
      .trimEnd()
    return displayWidth(line) > width ? fitText(line, width) : line
  })
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, one) => sum + one, 0) + gap * (widths.length - 1)
}

/** As the clock on the wall says, for people. */
function localTime(iso: unknown): string {
  if (typeof iso !== 'string') return ''
  return localMinute(new Date(iso))
}

function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let [value, unit] = [bytes, 0]
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000
  return `${unit === 0 ? String(value) : value.toFixed(1)} ${units[unit] ?? ''}`
}
