import { nowIso, type HeldRecord, type RequestRecord, type StudyRecord } from '../record/index.ts'
import { everywhere, judge, type Verdict } from './judge.ts'
import type { Patient } from './patient-key.ts'
import type { Projects } from './projects.ts'
import type { RequestSource, StudyInQuestion } from './source.ts'
import { newRequestId } from './store/request-id.ts'
import type { Store } from './store/store.ts'
import type { StudyState } from './store/studies.ts'

export interface Settling {
  readonly store: Store
  readonly owner: string
  readonly projects: Projects
  readonly sources: readonly RequestSource[]
  /** The command by which a person decides about what is held: by the number of the request, which tells nothing of anybody. */
  readonly howToDecide: (requestId: string) => string
  /** ms since 1970 */
  readonly clock: () => number
}

export interface Settled {
  readonly state: StudyState
  readonly requests: readonly RequestRecord[]
  readonly held: readonly HeldRecord[]
  /** By project: the name that AutoID gave its patient. */
  readonly named: ReadonlyMap<string, string>
  /** By project: how many names AutoID has left, where that is few. */
  readonly namesLeft: ReadonlyMap<string, number>
}

/**
 * Decides about a study that is kept, and keeps what was decided; to be called within a transaction.
 * @param only `news`: what was said of it before is not said again
 */
export function settle(
  study: StudyInQuestion,
  patient: Patient,
  { store, owner, projects, sources, howToDecide, clock }: Settling,
  only: 'news' | 'all',
): Settled {
  const { key, StudyInstanceUID } = study
  const now = clock()
  const earlier = store.requests.of(key)
  const byHand = store.hands.of(StudyInstanceUID)
  const decisions = sources.flatMap((source) => source.decide(study))
  const verdicts = judge({ study, patient, decisions, earlier, byHand }, store, projects, now)
  const heldBefore = store.holds.of(key)
  const requests: RequestRecord[] = []
  const held: HeldRecord[] = []
  const named = new Map<string, string>()
  const namesLeft = new Map<string, number>()
  for (const { project } of heldBefore) {
    if (!verdicts.some((one) => one.project === project)) store.holds.remove(key, project)
  }
  for (const verdict of verdicts) {
    const { project } = verdict
    const own = earlier.filter((one) => one.project === project)
    const known = heldBefore.find((one) => one.project === project)
    if ('drop' in verdict) {
      for (const { requestId } of own) store.requests.withdraw(requestId, now)
      store.holds.remove(key, project)
    } else if ('reasons' in verdict) {
      const requestId = own[0]?.requestId ?? known?.requestId ?? newRequestId()
      const { reasons } = verdict
      const isNews = store.holds.add(key, project, requestId, JSON.stringify(reasons), now)
      if (isNews || only === 'all') {
        const participant = own[0]?.participant
        const how = howToDecide(requestId)
        held.push({
          type: 'held',
          v: 1,
          time: nowIso(),
          project,
          requestId,
          ...(participant === undefined ? {} : { participant }),
          StudyInstanceUID,
          reasons: [...reasons],
          how,
        })
      }
    } else {
      requests.push(...make(verdict, study, only))
      const { participant } = verdict
      if (verdict.namesLeft !== undefined) namesLeft.set(project, verdict.namesLeft)
      const isOfAutoId = store.bindings
        .of(project, patient.key)
        .some((one) => one.participant === participant && one.allocated === 1)
      if (isOfAutoId) named.set(project, participant)
      store.holds.remove(key, project)
    }
  }
  const state = stateOf(verdicts, byHand)
  const why =
    state === 'waiting' ? sources.flatMap((source) => source.whyNot?.(study) ?? []).join('; ') : ''
  const before = store.studies.find(owner, key)
  if (before?.state !== state || before.why !== why)
    store.studies.setState(owner, key, state, why, now)
  return { state, requests, held, named, namesLeft }

  function make(
    verdict: Extract<Verdict, { readonly participant: string }>,
    { record, revision }: StudyInQuestion,
    which: 'news' | 'all',
  ): RequestRecord[] {
    const { project, participant, events, binds, allocated } = verdict
    const own = earlier.filter((one) => one.project === project)
    for (const one of own) {
      const isMeant = one.participant === participant && events.includes(one.event)
      if (!isMeant) store.requests.withdraw(one.requestId, now)
    }
    if (binds !== 'no') {
      store.bindings.add(project, participant, patient, {
        alias: binds === 'alias',
        allocated,
        now,
      })
    }
    const requestedBy = verdict.requestedBy.join('; ').slice(0, longestRequestedBy)
    const toldBefore = heldBefore.find((one) => one.project === project)?.requestId
    let free = own.some(({ requestId }) => requestId === toldBefore) ? undefined : toldBefore
    if (free !== undefined && store.requests.has(free)) free = undefined
    return events.flatMap((event) => {
      const wanted = { project, participant, event, revision, requestedBy, patient: patient.key }
      const { requestId, isNews } = store.requests.make(key, wanted, free)
      if (requestId === free) free = undefined
      if (!isNews && which === 'news') return []
      const exclude = projects.find(project)?.exclude ?? []
      return [
        requestRecord(record, { project, participant, event, requestId, requestedBy, exclude }),
      ]
    })
  }
}

/** Some tables may ask for the same. */
const longestRequestedBy = 500

function requestRecord(
  { StudyInstanceUID, revision, path, series, ClassifyType }: StudyRecord,
  facts: {
    readonly project: string
    readonly participant: string
    readonly event: string
    readonly requestId: string
    readonly requestedBy: string
    readonly exclude: readonly Readonly<Record<string, string>>[]
  },
): RequestRecord {
  const { event, exclude, ...others } = facts
  return {
    type: 'request',
    v: 1,
    time: nowIso(),
    ...others,
    ...(event === '' ? {} : { event }),
    StudyInstanceUID,
    revision,
    path,
    series,
    ...(ClassifyType === undefined ? {} : { ClassifyType }),
    ...(exclude.length === 0 ? {} : { exclude: exclude.map((entry) => ({ ...entry })) }),
  }
}

function stateOf(
  verdicts: readonly Verdict[],
  byHand: readonly { readonly project: string; readonly participant: string | null }[],
): StudyState {
  if (verdicts.some((one) => 'reasons' in one)) return 'held'
  if (verdicts.some((one) => 'participant' in one)) return 'decided'
  const isDropped = byHand.some((one) => one.project === everywhere && one.participant === null)
  return verdicts.length > 0 || isDropped ? 'dropped' : 'waiting'
}
