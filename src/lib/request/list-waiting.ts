import { counted, visibleText } from '../text/index.ts'
import { troublePrefix } from './open-sources.ts'
import { inWords, type Reason } from './reasons.ts'
import type { RequestSource } from './source.ts'
import type { Store } from './store/store.ts'

/** A study that waits, or is held, for people and programs. */
export interface WaitingRow {
  readonly StudyInstanceUID: string
  /** Of what is held, as `fiona ls deliveries` and the journal `held` have it. */
  readonly requestId?: string
  readonly state: 'waiting' | 'held'
  /** ISO 8601 */
  readonly since: string
  readonly project?: string
  readonly PatientID?: string
  readonly AccessionNumber?: string
  readonly StudyDate?: string
  readonly instances: number
  readonly why: string
  /** The command that decides. */
  readonly how: string
}

const together = 500

/** The commands by which a person decides. */
export interface HowToDecide {
  /** About a study of which nobody says anything. */
  readonly ofStudy: (StudyInstanceUID: string) => string
  readonly ofHeld: (requestId: string) => string
}

/** Oldest first. */
export function* waitingRows(
  store: Store,
  howToDecide: HowToDecide,
): Generator<WaitingRow, void, undefined> {
  for (let after = 0, isMore = true; isMore;) {
    const studies = store.studies.list(undefined, ['waiting', 'held'], after, together)
    isMore = studies.length === together
    after = studies.at(-1)?.id ?? after
    for (const { key, record, state, since, why } of studies) {
      const { StudyInstanceUID, instances, attributes = {} } = record
      const textOf = (keyword: string) => {
        const value = attributes[keyword]
        return typeof value === 'string' && value !== '' ? { [keyword]: value } : {}
      }
      const facts = {
        StudyInstanceUID,
        since: new Date(since).toISOString(),
        ...textOf('PatientID'),
        ...textOf('AccessionNumber'),
        ...textOf('StudyDate'),
        instances,
      }
      if (state === 'waiting') {
        yield { ...facts, state, why, how: howToDecide.ofStudy(StudyInstanceUID) }
        continue
      }
      for (const { project, requestId, reasons } of store.holds.of(key)) {
        yield {
          ...facts,
          state: 'held',
          requestId,
          project,
          why: inWords(JSON.parse(reasons) as readonly Reason[]),
          how: howToDecide.ofHeld(requestId),
        }
      }
    }
  }
}

/** What is wrong with sources, as the running process told last. */
export function troubleOfSources(
  store: Store,
  sources: readonly RequestSource[],
): readonly string[] {
  return sources.flatMap(({ name }) => {
    const text = store.meta(`${troublePrefix}${name}`)
    return text === undefined || text === '' ? [] : [`${name}: ${text}`]
  })
}

/** For a terminal: a line of facts, and below it why, and what to do. */
export function linesOf(row: WaitingRow, now: number): readonly string[] {
  const facts = [row.PatientID, row.AccessionNumber, row.StudyDate].filter(
    (one) => one !== undefined,
  )
  const project = row.project === undefined ? '' : ` for ${row.project}`
  return [
    `${row.StudyInstanceUID}  ${row.state}${project} since ${agoOf(now - Date.parse(row.since))}  ${facts.join('  ')}  ${counted(row.instances, 'object')}`,
    `    ${row.why}`,
    `    decide: ${row.how}`,
  ].map((line) => visibleText(line))
}

function agoOf(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000))
  if (minutes < 120) return `${String(minutes)} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${String(hours)} h` : `${String(Math.floor(hours / 24))} d`
}
