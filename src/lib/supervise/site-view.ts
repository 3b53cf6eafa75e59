import type { ScreenLine, ScreenSize, Span, Style } from '../cli/index.ts'
import { age, behind, gib, type PartReport, type StageReport, wrapped } from '../control/index.ts'
import type { Trouble } from './log-trouble.ts'
import type { Counts } from './tally.ts'

/** What one screen shows of a running chain. */
export interface SiteView {
  readonly dataDir: string
  /** ISO 8601: when the chain was started. */
  readonly since: string
  readonly state: 'running' | 'stopping' | 'stopped'
  readonly parts: readonly PartReport[]
  readonly stages: readonly StageReport[]
  /** Of each door. */
  readonly ports: ReadonlyMap<string, number>
  readonly counts: Counts
  readonly disk: { readonly freeBytes: number; readonly reserveBytes: number }
  /** What is wrong now, a sentence each. */
  readonly wrong: readonly string[]
  /** What was said of late. */
  readonly trouble: readonly Trouble[]
  /** Where to send a study, and where to look. */
  readonly introduction: readonly string[]
  readonly logPath: string | undefined
}

/** Below this many columns lines one below the other say more. */
export const leastColumns = 60
/** Title, counts in three lines, disk, head of the table, and three for what is wrong and the cursor. */
export const rowsBesideParts = 9

const gap = '  '
/** Kept for trouble before the introduction is shown. */
const rowsForTrouble = 5

/** The lines for a terminal of this size, most important first; what does not fit is left out and said so. */
export function siteLines(site: SiteView, { rows, columns }: ScreenSize): ScreenLine[] {
  const top = [title(site), ...counts(site.counts, columns), disk(site.disk)]
  const roomForTable = Math.max(2, rows - top.length - Math.min(2, site.wrong.length))
  const table = partTable(site, roomForTable)
  const left = rows - top.length - table.length
  const introduction = site.introduction.flatMap((text) =>
    wrapped(text, columns).map((line): ScreenLine => [[line, 'dim']]),
  )
  const isRoomy = left >= introduction.length + 2 + rowsForTrouble
  const beside = isRoomy ? [...introduction, blank] : []
  const below = bottom(site, { rows: left - beside.length - (isRoomy ? 1 : 0), columns })
  return [...top, ...beside, ...table, ...(isRoomy && below.length > 0 ? [blank] : []), ...below]
}

const blank: ScreenLine = []

function title({ wrong, state: phase, since, dataDir }: SiteView): ScreenLine {
  const states: Readonly<Record<SiteView['state'], Span>> = {
    running: wrong.length === 0 ? ['all is well', 'good'] : ['something is wrong', 'bad'],
    stopping: ['stopping: each part finishes what it has in hand', 'doubtful'],
    stopped: ['stopped'],
  }
  const state = states[phase]
  return [
    ['FIONA', 'bold'],
    [gap],
    state,
    [`${gap}up ${age(since)}${gap}${clock(new Date().toISOString())}${gap}${dataDir}`],
  ]
}

/** As many lines as they need. */
function counts(count: Counts, columns: number): ScreenLine[] {
  const { objects, objectsPerSecond, bytesPerSecond, studies, again, held, errors } = count
  const { deliveries, undelivered, delivered, deliveredPerSecond } = count
  const megabytes = (bytesPerSecond / 1e6).toFixed(1)
  const items: Span[] = [
    [`received ${number(objects)} objects (${rate(objectsPerSecond)}/s, ${megabytes} MB/s)`],
    [`complete ${number(studies)} studies${again === 0 ? '' : ` (${number(again)} again)`}`],
    held === 0 ? ['held 0'] : [`held ${number(held)}`, 'doubtful'],
    [
      `delivered ${number(deliveries - undelivered)} studies, ${number(delivered)} objects (${rate(deliveredPerSecond)}/s)`,
    ],
    ...(undelivered === 0 ? [] : [[`not delivered ${number(undelivered)}`, 'bad'] as const]),
    errors === 0 ? ['errors 0'] : [`errors ${number(errors)}`, 'bad'],
  ]
  const lines: Span[][] = []
  let length = Number.POSITIVE_INFINITY
  for (const item of items) {
    length += gap.length + item[0].length
    if (length > columns) {
      lines.push([item])
      length = item[0].length
    } else lines.at(-1)?.push([gap], item)
  }
  return lines
}

function disk({ freeBytes, reserveBytes }: SiteView['disk']): ScreenLine {
  const text = `disk ${gib(freeBytes)} free, ${gib(reserveBytes)} kept in reserve`
  if (freeBytes < reserveBytes) return [[`${text}: objects are refused`, 'bad']]
  return freeBytes < 2 * reserveBytes ? [[`${text}: nearly full`, 'doubtful']] : [[text]]
}

const head = ['part', 'state', 'since', 'restarts', 'behind', 'last error']
const lastColumn = head.length - 1

/** Where not all fit, those that are not well come first. */
function partTable(site: SiteView, room: number): ScreenLine[] {
  const fits = site.parts.length + 1 <= room
  const parts = fits
    ? site.parts
    : site.parts.toSorted((a, b) => Number(isWell(a)) - Number(isWell(b)))
  const shown = fits ? parts : parts.slice(0, Math.max(0, room - 2))
  const rows = shown.map((part) => cells(site, part))
  const widths = head.map((_, at) =>
    Math.max(...[head, ...rows].map((row) => row[at]?.length ?? 0)),
  )
  const line = (row: readonly string[]): string[] =>
    row.map((cell, at) => (at === lastColumn ? cell : cell.padEnd((widths[at] ?? 0) + gap.length)))
  return [
    [[line(head).join(''), 'dim']],
    ...rows.map((row, at) => {
      const [name = '', state = '', ...more] = line(row)
      const style = styleOf(shown[at]?.state ?? '')
      const span: Span = style === undefined ? [state] : [state, style]
      return [[name], span, [more.join('')]] satisfies ScreenLine
    }),
    ...(fits ? [] : ([[[`and ${String(parts.length - shown.length)} more`, 'dim']]] as const)),
  ]
}

function cells(site: SiteView, { name, state, since, restarts, lastError }: PartReport): string[] {
  const port = site.ports.get(name)
  const stage = site.stages.find((one) => one.name === name)
  return [
    port === undefined ? name : `${name} :${String(port)}`,
    state,
    since === undefined ? '' : age(since),
    String(restarts ?? 0),
    stage === undefined ? '' : behind(stage),
    lastError?.replaceAll('\n', ' ') ?? '',
  ]
}

function isWell({ state }: PartReport): boolean {
  return state === 'running' || state === 'closed'
}

function styleOf(state: string): Style | undefined {
  const styles: Readonly<Record<string, Style>> = {
    running: 'good',
    waiting: 'doubtful',
    stopping: 'doubtful',
    failing: 'bad',
  }
  return styles[state]
}

/** What is wrong now, then what was said of late, the newest last, and where to read all of it. */
function bottom(
  { wrong, trouble, logPath, state }: SiteView,
  { rows, columns }: ScreenSize,
): ScreenLine[] {
  if (rows <= 0) return []
  const now = wrong.flatMap((text) =>
    wrapped(`! ${text}`, columns).map((line): ScreenLine => [[line, 'bad']]),
  )
  const stop = state === 'running' ? 'Ctrl-C stops it; ' : ''
  const foot: ScreenLine = [[`${stop}log: ${logPath ?? 'stderr'}`, 'dim']]
  const first = now.slice(0, rows)
  const room = rows - first.length - 1
  const last = room <= 0 ? [] : trouble.slice(-room).map(spoken)
  return [...first, ...last, ...(room < 0 ? [] : [foot])]
}

function spoken({ time, text, times }: Trouble): ScreenLine {
  return [[`${clock(time)} `, 'dim'], [`${times === 1 ? '' : `(${number(times)} times) `}${text}`]]
}

/** Local time of day. */
function clock(time: string): string {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? '' : date.toTimeString().slice(0, 8)
}

function number(value: number): string {
  return value.toLocaleString('en-GB')
}

function rate(value: number): string {
  return value >= 10 || value === 0 ? number(Math.round(value)) : value.toFixed(1)
}
