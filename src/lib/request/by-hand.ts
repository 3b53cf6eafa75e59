import { ExitCode, FionaError } from '../error/index.ts'
import { parseUid } from '../uid/index.ts'
import { everywhere, judge } from './judge.ts'
import type { Projects } from './projects.ts'
import { inWords, type Reason } from './reasons.ts'
import { isRequestId } from './store/request-id.ts'
import type { Store } from './store/store.ts'
import { Study } from './study-in-question.ts'

export interface ByHand {
  /** Its StudyInstanceUID; or the number of a request that was made, or is held, which says the project, too. */
  readonly study: string
  readonly project: string | undefined
  readonly participant: string | undefined
  readonly event: string | undefined
  /** The patient of this study is the one whose participant it is, though the identifiers differ. */
  readonly samePatient: boolean
  /** It is not to go there; without a project nowhere. */
  readonly drop: boolean
  /** What was decided by hand before counts no longer. */
  readonly undo: boolean
  readonly who: string
}

/**
 * Keeps what a person decided, for the running fiona-request, or the next one. What the study that is known does not allow is refused.
 * @returns what to say about it
 * @throws FionaError E_USAGE, E_UID, E_NOT_HELD, E_REQUEST_REFUSED
 */
export function decideByHand(
  wanted: ByHand,
  store: Store,
  projects: Projects,
  now: number,
): string {
  const { participant, event, samePatient, drop, undo, who } = wanted
  const { StudyInstanceUID, project } = whatIsMeant(wanted, store)
  return store.transact(() => {
    const known = store.studies.of(StudyInstanceUID)
    const waits = known.length === 0 ? '; no such study has come yet: it waits for it' : ''
    if (undo) {
      store.hands.forget(StudyInstanceUID, project)
      // Whoever listens hears of decisions alone.
      return `forgotten: sources decide again about ${StudyInstanceUID} when it is matched next`
    }
    const decision = {
      StudyInstanceUID,
      project,
      participant: drop ? null : (participant ?? ''),
      event: event ?? null,
      samePatient: Number(samePatient),
      who,
    }
    if (!drop) requireAllowed()
    store.hands.keep(decision, now)
    if (drop) {
      return `${StudyInstanceUID} is not requested ${project === everywhere ? 'anywhere' : `for ${project}`}${waits}`
    }
    return `${StudyInstanceUID} goes to ${project} as ${participant ?? ''}${event === undefined ? '' : ` (${event})`}${waits}`

    function requireAllowed(): void {
      const byHand = [{ id: 0, ...decision }]
      // Of one that has not come yet as much is said as can be.
      const studies = known.map(({ record, patient }) => ({ study: new Study(record), patient }))
      if (known.length === 0) {
        const study = unknown()
        studies.push({ study, patient: store.patients.patientOf(study) })
      }
      for (const one of studies) {
        const question = { ...one, decisions: [], earlier: [], byHand }
        for (const verdict of judge(question, store, projects, now)) {
          // Who a study will be of that has not come is not known: that is seen when it comes.
          const reasons = ('reasons' in verdict ? verdict.reasons : []).filter(
            ({ code }) => known.length > 0 || code !== 'participant-taken',
          )
          if (reasons.length > 0) throw refused(reasons)
        }
      }
    }

    function unknown(): Study {
      return new Study({
        type: 'study',
        StudyInstanceUID,
        path: null,
        series: [],
        instances: 0,
        bytes: 0,
        reason: '',
        revision: 1,
      })
    }

    function refused(reasons: readonly Reason[]): FionaError {
      return new FionaError('E_REQUEST_REFUSED', inWords(reasons), {
        hint: reasons.some(({ code }) => code === 'participant-taken')
          ? 'give another participant; or --same-patient, if it is the same person under another PatientID'
          : 'correct the command, or what the configuration says of the project',
        exitCode: ExitCode.badInput,
      })
    }
  })
}

/**
 * Which study is named, and for which project.
 * @throws FionaError E_USAGE, E_UID, E_NOT_HELD
 */
export function whatIsMeant(
  { study, project }: Pick<ByHand, 'study' | 'project'>,
  store: Store,
): { readonly StudyInstanceUID: string; readonly project: string } {
  if (!isRequestId(study)) {
    return {
      StudyInstanceUID: parseUid(study, 'StudyInstanceUID'),
      project: project ?? everywhere,
    }
  }
  const known = store.requests.whatIs(study)
  if (known === undefined) {
    throw new FionaError('E_NOT_HELD', `nothing is requested or held under ${study}`, {
      hint: 'fiona request waiting lists what is held before it is de-identified, fiona-anon review what is held after that',
      exitCode: ExitCode.badInput,
    })
  }
  if (project === undefined || project === known.project) return known
  throw new FionaError(
    'E_USAGE',
    `${study} is of the project ${known.project}, not of ${project}`,
    {
      hint: 'leave out --project, or name the study by its StudyInstanceUID',
      exitCode: ExitCode.usage,
    },
  )
}
