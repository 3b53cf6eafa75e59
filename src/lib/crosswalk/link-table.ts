import { displayWidth, visibleText } from '../text/index.ts'
import type { Link } from './link.ts'

const columns = ['project', 'participant', 'patient', 'issuer', 'study', 'newStudy'] as const
type Row = Readonly<Record<(typeof columns)[number], string>>

/** A link as a row: the same columns on a terminal and in CSV. */
function rowOf(link: Link): Row {
  const { project, participant } = link
  return link.kind === 'participant'
    ? {
        project,
        participant,
        patient: link.PatientID,
        issuer: link.IssuerOfPatientID ?? '',
        study: link.StudyInstanceUID ?? '',
        newStudy: '',
      }
    : {
        project,
        participant,
        patient: '',
        issuer: '',
        study: link.StudyInstanceUID,
        newStudy: link.newStudyInstanceUID,
      }
}

/** Lines for a terminal; what is empty in all rows has no column. */
export function tableOf(links: readonly Link[]): string[] {
  const rows = links.map((link) => columns.map((name) => visibleText(rowOf(link)[name])))
  const shown = columns.map((_, at) => rows.some((row) => row[at] !== ''))
  const widths = columns.map((name, at) =>
    Math.max(name.length, ...rows.map((row) => displayWidth(row[at] ?? ''))),
  )
  return [columns, ...rows].map((row) =>
    row
      .map((cell, at) => cell + ' '.repeat(Math.max(0, (widths[at] ?? 0) - displayWidth(cell))))
      .filter((_, at) => shown[at])
      .join('  ')
      .trimEnd(),
  )
}

/** RFC 4180, for people with a spreadsheet: nothing in it is taken for a formula. */
export function* csvOf(links: readonly Link[]): Generator<string, void, undefined> {
  yield `${columns.join(',')}\r\n`
  for (const link of links) {
    const row = rowOf(link)
    yield `${columns.map((name) => cellOf(row[name])).join(',')}\r\n`
  }
}

function cellOf(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n']/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
