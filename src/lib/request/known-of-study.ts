import { ExitCode, FionaError } from '../error/index.ts'
import { visibleText } from '../text/index.ts'
import { whatIsMeant } from './by-hand.ts'
import type { HowToDecide } from './list-waiting.ts'
import { inWords, type Reason } from './reasons.ts'
import type { StudyState } from './store/studies.ts'
import type { Store } from './store/store.ts'

/** What is known of a study: what became of it, and who said so. */
export interface KnownOfStudy {
  readonly StudyInstanceUID: string
  /** The project whose tree it lies in. */
  readonly lies: string
  readonly state: StudyState
  /** ISO 8601 */
  readonly since: string
  readonly revision: number
  /** What it waits for; empty where it waits for nothing. */
  readonly why: string
  readonly requests: readonly {
    readonly project: string
    readonly participant: string
    readonly event?: string
    readonly requestId: string
    readonly requestedBy: string
  }[]
  readonly held: readonly {
    readonly project: string
    readonly requestId: string
    readonly why: string
    /** The command that decides. */
    readonly how: string
  }[]
}

/**
 * @param study a StudyInstanceUID, or the number of a request that was made or is held
 * @returns one for each project tree that it lies in
 * @throws FionaError E_UID, E_NOT_HELD: no such study has come here
 */
export function knownOfStudy(
  study: string,
  store: Store,
  { ofHeld }: HowToDecide,
): readonly KnownOfStudy[] {
  const { StudyInstanceUID } = whatIsMeant({ study, project: undefined }, store)
  const all = store.studies.of(StudyInstanceUID)
  if (all.length === 0) {
    throw new FionaError('E_NOT_HELD', `no study ${StudyInstanceUID} has come here yet`, {
      hint: 'fiona ls studies lists what arrived; a study comes here when it is complete',
      exitCode: ExitCode.badInput,
    })
  }
  return all.map(({ key, record, state, since, why }) => ({
    StudyInstanceUID,
    lies: record.project ?? 'default',
    state,
    since: new Date(since).toISOString(),
    revision: record.revision,
    why: state === 'waiting' ? why : '',
    requests: store.requests
      .of(key)
      .map(({ project, participant, event, requestId, requestedBy }) => ({
        project,
        participant,
        ...(event === '' ? {} : { event }),
        requestId,
        requestedBy,
      })),
    held: store.holds.of(key).map(({ project, requestId, reasons }) => ({
      project,
      requestId,
      why: inWords(JSON.parse(reasons) as readonly Reason[]),
      how: ofHeld(requestId),
    })),
  }))
}

/** For a terminal. */
export function linesOfKnown(known: KnownOfStudy): readonly string[] {
  const { StudyInstanceUID, lies, state, since, why, requests, held } = known
  return [
    `${StudyInstanceUID}  ${state} since ${since}  lies in ${lies}`,
    ...(why === '' ? [] : [`    ${why}`]),
    ...requests.map(({ project, participant, event, requestId, requestedBy }) => {
      const whom = event === undefined ? participant : `${participant} (${event})`
      return `    goes to ${project} as ${whom}: ${requestedBy}  [${requestId}]`
    }),
    ...held.flatMap((one) => [
      `    held for ${one.project}: ${one.why}  [${one.requestId}]`,
      `    decide: ${one.how}`,
    ]),
  ].map((line) => visibleText(line))
}
