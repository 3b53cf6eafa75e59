import type { ReportRecord } from '../record/index.ts'
import { escaped, linesOf, numberOf, wordFor } from './html.ts'

/** Where every object is. */
export function objectsOf(report: ReportRecord): string {
  const { instances, received, duplicates, excluded, missing, earlier } = report
  return linesOf([
    `<strong>${numberOf(instances)} delivered</strong>`,
    ...(received === undefined ? [] : [receivedOf(received, instances)]),
    ...(earlier === undefined ? [] : [`${numberOf(earlier)} of them with earlier revisions`]),
    ...(duplicates === undefined
      ? []
      : [`${numberOf(duplicates)} ${duplicates === 1 ? 'was' : 'were'} there twice`]),
    ...Object.entries(excluded ?? {}).map(
      ([rule, count]) => `${numberOf(count)} left out: ${escaped(rule)}`,
    ),
    ...(missing === undefined ? [] : [`${numberOf(missing)} announced, and missing`]),
  ])
}

function receivedOf(received: number, delivered: number): string {
  return received === delivered ? 'all that were received' : `of ${numberOf(received)} received`
}

export function elementsOf({ elements }: ReportRecord): string {
  return linesOf(
    Object.entries(elements).map(([what, count]) => `${numberOf(count)} ${escaped(what)}`),
  )
}

/** What was made blank, and where. */
export function picturesOf({ pixels }: ReportRecord): string {
  if (pixels === undefined) return 'as they were'
  const { masked, masks = [], unlisted = 0, searched, defaced = 0 } = pixels
  const done = [
    ...(masked > 0 ? [`<strong>${numberOf(masked)} masked</strong>`] : []),
    ...masks.map(maskOf),
    ...(unlisted > 0 ? [`${numberOf(unlisted)} of them in other places, too many to list`] : []),
    ...(searched > 0 ? [`${numberOf(searched)} searched for text by a program`] : []),
    ...(defaced > 0 ? [`${numberOf(defaced)} had faces removed by a program`] : []),
  ]
  return done.length === 0 ? 'as they were' : linesOf(done)
}

function maskOf({ rule, objects, rows, columns, regions }: Mask): string {
  const places = regions.map(([x = 0, y = 0, width = 0, height = 0]) =>
    `${String(width)} × ${String(height)} at ${String(x)}, ${String(y)}`.replaceAll(' ', unbroken),
  )
  const blank = regions.reduce((sum, [, , width = 0, height = 0]) => sum + width * height, 0)
  const size = `${String(columns)} × ${String(rows)}`.replaceAll(' ', unbroken)
  const share = rows * columns === 0 ? '' : `, ${shareOf(blank / (rows * columns))} of it`
  return `${numberOf(objects)} by ${escaped(rule)}: ${places.join('; ')} (of ${size}${share})`
}

/** A blank at which no line ends. */
const unbroken = '\u00a0'

type Mask = NonNullable<NonNullable<ReportRecord['pixels']>['masks']>[number]

/** Rounded, but nothing that is something, and not all that is not all. */
function shareOf(part: number): string {
  if (part > 0 && part < 0.01) return `less than 1${unbroken}%`
  return `${String(Math.min(Math.round(part * 100), part < 1 ? 99 : 100))}${unbroken}%`
}

export function searchOf({ verified, waived }: ReportRecord): string {
  if (verified === null) return 'not counted'
  const isFound = waived.some(({ code }) => code === 'identity-found')
  const outcome = isFound ? '<strong class="mark">found: see review</strong>' : 'none found'
  const { objects, terms } = verified
  return `${numberOf(objects)} ${wordFor(objects, 'object')} for ${numberOf(terms)} ${wordFor(terms, 'term')}: ${outcome}`
}

export function reviewOf({ waived }: ReportRecord): string {
  if (waived.length === 0) return 'nothing to decide'
  const passed = waived.map(
    ({ code, where, count }) => `${numberOf(count)} × ${escaped(code)} at ${escaped(where)}`,
  )
  return `<strong class="mark">released by a person</strong>${linesOf(passed)}`
}
