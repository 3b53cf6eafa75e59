import type { ReportRecord } from '../record/index.ts'
import { explanationOf } from './explanations.ts'
import { dateOf, escaped, numberOf, wordFor } from './html.ts'
import type { Accounts } from './read-accounts.ts'
import { styles } from './styles.ts'
import { elementsOf, objectsOf, picturesOf, reviewOf, searchOf } from './what-was-done.ts'

export interface Asked {
  readonly project: string | undefined
  readonly since: string | undefined
  /** When the report was made. */
  readonly time: string
}

/** One page that needs nothing else: no script, no font, no picture from elsewhere; what is in it is escaped. */
export function* pageOf(
  { reports, unread }: Accounts,
  asked: Asked,
): Generator<string, void, undefined> {
  yield `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${titleOf(asked)}</title>
<style>${styles}</style>
</head>
<body>
<header>
<h1>De-identification report</h1>
<p>Made by FIONA on ${dateOf(asked.time)} UTC, from what was delivered into the outbox${
    asked.project === undefined ? '' : ` for project <bdi>${escaped(asked.project)}</bdi>`
  }${asked.since === undefined ? '' : ` since ${escaped(asked.since)}`}. It holds research identities alone: no name, number, date or other value of a patient.
What is held for a person to look at, and what was dropped, was not delivered and is not counted here.</p>
</header>
<main>
<section aria-labelledby="summary">
<h2 id="summary">Summary</h2>
${summaryOf(reports)}
${unread > 0 ? `<p class="warning">${numberOf(unread)} ${wordFor(unread, 'line')} of the journal ${unread === 1 ? 'is no valid record' : 'are no valid records'} of a de-identified study, and ${unread === 1 ? 'is' : 'are'} not in this report.</p>` : ''}
</section>
`
  let number = 0
  for (const [project, ofProject] of grouped(reports)) {
    number += 1
    yield* projectSection(project, ofProject, `project-${String(number)}`)
  }
  yield `${explanations(reports)}
</main>
</body>
</html>
`
}

function titleOf({ project }: Asked): string {
  return `De-identification report${project === undefined ? '' : `, ${escaped(project)}`}`
}

function summaryOf(reports: readonly ReportRecord[]): string {
  const waived = reports.filter((report) => report.waived.length > 0).length
  const unverified = reports.filter((report) => report.verified === null).length
  const masked = sum(reports, ({ pixels }) => pixels?.masked ?? 0)
  const defaced = sum(reports, ({ pixels }) => pixels?.defaced ?? 0)
  const facts: readonly (readonly [name: string, value: number])[] = [
    ['studies', reports.length],
    [
      'participants',
      new Set(reports.map(({ project, participant }) => `${project ?? ''}\n${participant}`)).size,
    ],
    ['objects delivered', sum(reports, ({ instances }) => instances)],
    ['objects left out by a rule', sum(reports, excludedOf)],
    ...(masked > 0 ? [['objects with masked pictures', masked] as const] : []),
    ...(defaced > 0 ? [['objects with faces removed', defaced] as const] : []),
    ['studies released by a person', waived],
    ...(unverified > 0 ? [['studies from before searches were counted', unverified] as const] : []),
  ]
  const items = facts.map(
    ([name, value]) => `<div><dt>${name}</dt><dd>${numberOf(value)}</dd></div>`,
  )
  return `<dl class="facts">${items.join('')}</dl>`
}

const columns: readonly (readonly [name: string, html: (report: ReportRecord) => string])[] = [
  ['Event', ({ event = '' }) => `<bdi>${escaped(event)}</bdi>`],
  ['Made (UTC)', madeOf],
  ['Objects', objectsOf],
  ['Elements', elementsOf],
  ['Pictures', picturesOf],
  ['Searched', searchOf],
  ['Review', reviewOf],
]

function* projectSection(
  project: string,
  reports: readonly ReportRecord[],
  id: string,
): Generator<string, void, undefined> {
  const heads = ['Participant', ...columns.map(([name]) => name)]
  // A table wider than the window is moved with the keyboard, too: its frame can have the focus. In a narrow window its rows
  // are blocks, which only their roles still call rows and cells.
  yield `<section aria-labelledby="${id}">
<h2 id="${id}">Project <bdi>${escaped(project)}</bdi></h2>
<p>${profilesOf(reports)}</p>
<div class="wide" role="region" aria-labelledby="${id}" tabindex="0"><table role="table">
<caption>${numberOf(reports.length)} ${reports.length === 1 ? 'study' : 'studies'}, by participant</caption>
<thead role="rowgroup"><tr role="row">${heads.map((name) => `<th scope="col" role="columnheader">${name}</th>`).join('')}</tr></thead>
<tbody role="rowgroup">
`
  for (const report of reports) yield rowOf(report)
  yield `</tbody>
</table></div>
</section>
`
}

function rowOf(report: ReportRecord): string {
  const { participant, StudyInstanceUID } = report
  const whose = `<bdi>${escaped(participant)}</bdi><span class="uid">${escaped(StudyInstanceUID)}</span>`
  const cells = columns.map(
    ([name, html]) => `<td role="cell" data-column="${name}">${html(report)}</td>`,
  )
  return `<tr role="row"><th scope="row" role="rowheader">${whose}</th>${cells.join('')}</tr>\n`
}

function madeOf({ time, revision }: ReportRecord): string {
  const made = time === undefined ? '' : `<span class="time">${dateOf(time)}</span>`
  return `${made}${revision > 1 ? `<div>revision ${String(revision)}</div>` : ''}`
}

function profilesOf(reports: readonly ReportRecord[]): string {
  const profiles = new Map(reports.map(({ profile, profileDigest }) => [profileDigest, profile]))
  const named = [...profiles].map(
    ([digest, name]) => `<bdi>${escaped(name)}</bdi> <span class="uid">${escaped(digest)}</span>`,
  )
  return `Rules: ${named.join(' ')} Studies with the same digest were made by exactly the same rules.`
}

/** What the words mean that are in this report. */
function explanations(reports: readonly ReportRecord[]): string {
  const words = new Set(
    reports.flatMap(({ elements, waived }) => [
      ...Object.keys(elements),
      ...waived.map(({ code }) => code),
    ]),
  )
  const known = [...words].sort().flatMap((word) => {
    const text = explanationOf(word)
    return text === undefined ? [] : [`<dt>${escaped(word)}</dt><dd>${escaped(text)}</dd>`]
  })
  if (known.length === 0) return ''
  return `<section aria-labelledby="words"><h2 id="words">What the words mean</h2><dl class="words">${known.join('')}</dl></section>`
}

function grouped(reports: readonly ReportRecord[]): Map<string, ReportRecord[]> {
  const groups = new Map<string, ReportRecord[]>()
  for (const report of reports) {
    const project = report.project ?? 'default'
    const group = groups.get(project)
    if (group === undefined) groups.set(project, [report])
    else group.push(report)
  }
  return groups
}

function excludedOf({ excluded }: ReportRecord): number {
  return Object.values(excluded ?? {}).reduce((total, count) => total + count, 0)
}

function sum(reports: readonly ReportRecord[], of: (report: ReportRecord) => number): number {
  return reports.reduce((total, report) => total + of(report), 0)
}
