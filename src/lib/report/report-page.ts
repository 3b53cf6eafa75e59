import type { ReportRecord } from '../record/index.ts'
import { explanationOf } from './explanations.ts'
import type { Accounts } from './read-accounts.ts'
import { styles } from './styles.ts'

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
<title>De-identification report</title>
<style>${styles}</style>
</head>
<body>
<header>
<h1>De-identification report</h1>
<p>Made by FIONA on ${dateOf(asked.time)}, from what was delivered into the outbox${
    asked.project === undefined ? '' : ` for project ${escaped(asked.project)}`
  }${asked.since === undefined ? '' : ` since ${escaped(asked.since)}`}. It holds research identities alone: no name, number, date or other value of a patient.</p>
</header>
<main>
<section aria-labelledby="summary">
<h2 id="summary">Summary</h2>
${summaryOf(reports)}
${unread > 0 ? `<p class="warning">${String(unread)} lines of the journal are no valid records of a de-identified study, and are not in this report.</p>` : ''}
</section>
`
  for (const [project, ofProject] of grouped(reports)) yield* projectSection(project, ofProject)
  yield `${explanations(reports)}
</main>
</body>
</html>
`
}

function summaryOf(reports: readonly ReportRecord[]): string {
  const waived = reports.filter((report) => report.waived.length > 0).length
  const unverified = reports.filter((report) => report.verified === null).length
  const facts: readonly (readonly [name: string, value: number])[] = [
    ['studies', reports.length],
    [
      'participants',
      new Set(reports.map(({ project, participant }) => `${project ?? ''}\n${participant}`)).size,
    ],
    ['objects delivered', sum(reports, ({ instances }) => instances)],
    ['objects left out by a rule', sum(reports, excludedOf)],
    ['studies released by a person', waived],
    ...(unverified > 0 ? [['studies from before searches were counted', unverified] as const] : []),
  ]
  const items = facts.map(
    ([name, value]) => `<div><dt>${name}</dt><dd>${numberOf(value)}</dd></div>`,
  )
  return `<dl class="facts">${items.join('')}</dl>`
}

function* projectSection(
  project: string,
  reports: readonly ReportRecord[],
): Generator<string, void, undefined> {
  yield `<section>
<h2>Project ${escaped(project)}</h2>
<p>${profilesOf(reports)}</p>
<div class="wide"><table>
<thead><tr><th scope="col">Participant</th><th scope="col">Event</th><th scope="col">Made</th><th scope="col">Objects</th><th scope="col">Elements</th><th scope="col">Searched again</th><th scope="col">Review</th></tr></thead>
<tbody>
`
  for (const report of reports) yield rowOf(report)
  yield `</tbody>
</table></div>
</section>
`
}

function rowOf(report: ReportRecord): string {
  const { participant, event, time, revision, StudyInstanceUID, elements, waived } = report
  const cells = [
    `<th scope="row">${escaped(participant)}<span class="uid">${escaped(StudyInstanceUID)}</span></th>`,
    cell(escaped(event ?? '')),
    cell(
      `${time === undefined ? '' : dateOf(time)}${revision > 1 ? `<br>revision ${String(revision)}` : ''}`,
    ),
    cell(objectsOf(report)),
    cell(
      lines(Object.entries(elements).map(([what, count]) => `${numberOf(count)} ${escaped(what)}`)),
    ),
    cell(searchOf(report)),
    cell(
      waived.length === 0
        ? 'nothing to decide'
        : `<strong>released by a person</strong>${lines(waived.map(({ code, where, count }) => `${numberOf(count)} × ${escaped(code)} at ${escaped(where)}`))}`,
    ),
  ]
  return `<tr>${cells.join('')}</tr>\n`
}

function searchOf({ verified, waived }: ReportRecord): string {
  if (verified === null) return 'not counted'
  const isFound = waived.some(({ code }) => code === 'identity-found')
  const outcome = isFound ? '<strong>found: see review</strong>' : 'none found'
  return `${numberOf(verified.objects)} objects for ${numberOf(verified.terms)} terms: ${outcome}`
}

/** Where every object is. */
function objectsOf(report: ReportRecord): string {
  const { instances, received, duplicates, excluded, missing, earlier } = report
  return lines([
    `<strong>${numberOf(instances)} delivered</strong>`,
    ...(received === undefined ? [] : [`of ${numberOf(received)} received`]),
    ...(earlier === undefined ? [] : [`${numberOf(earlier)} of them with earlier revisions`]),
    ...(duplicates === undefined ? [] : [`${numberOf(duplicates)} were there twice`]),
    ...Object.entries(excluded ?? {}).map(
      ([rule, count]) => `${numberOf(count)} left out: ${escaped(rule)}`,
    ),
    ...(missing === undefined ? [] : [`${numberOf(missing)} announced, and missing`]),
  ])
}

function profilesOf(reports: readonly ReportRecord[]): string {
  const profiles = new Map(reports.map(({ profile, profileDigest }) => [profileDigest, profile]))
  const named = [...profiles].map(
    ([digest, name]) => `${escaped(name)} <span class="uid">${escaped(digest)}</span>`,
  )
  return `Rules: ${named.join(', ')}. Studies with the same digest were made by exactly the same rules.`
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

function cell(html: string): string {
  return `<td>${html}</td>`
}

function lines(html: readonly string[]): string {
  return html.map((line) => `<div>${line}</div>`).join('')
}

function numberOf(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ' ')
}

/** Of a time as records have it. */
function dateOf(time: string): string {
  return escaped(time.slice(0, 16).replace('T', ' '))
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${String(character.charCodeAt(0))};`)
}
