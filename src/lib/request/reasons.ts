import type { HeldRecord } from '../record/index.ts'
import { visibleText } from '../text/index.ts'

export type ReasonCode =
  | 'sources-disagree'
  | 'requested-before'
  | 'participant-naming'
  | 'participant-unwritable'
  | 'participant-missing'
  | 'participant-taken'
  | 'event-unwritable'
  | 'event-missing'
  | 'similar-patient'
  | 'patient-conflict'
  | 'pattern-missing'
  | 'pattern-unusable'
  | 'pattern-exhausted'
  | 'names-unread'
  | 'unknown-project'
  | 'project-inactive'
  | 'project-not-begun'
  | 'project-expired'

export type Reason = HeldRecord['reasons'][number] & { readonly code: ReasonCode }

/** What each means, and what helps beside a decision by hand. */
const explanations: Readonly<Record<ReasonCode, string>> = {
  'sources-disagree': 'different participants are named for it in one project',
  'requested-before': 'it was requested as another participant before',
  'participant-naming': 'the participant does not fit the pattern of the project',
  'participant-unwritable':
    'the participant cannot be written: 1 to 64 printable ASCII characters without a backslash',
  'participant-missing': 'the study lacks what the participant is made of',
  'participant-taken': 'the participant is another patient in this project already',
  'event-unwritable':
    'the event cannot be written: 1 to 64 printable ASCII characters without a backslash',
  'event-missing': 'the study lacks what the event is made of',
  'similar-patient':
    'a patient of the project has the same identifier but for capitals, blanks or zeros',
  'patient-conflict': 'its objects are of several patients',
  'pattern-missing': 'nothing says what names AutoID makes: projects.*.requests.autoId',
  'pattern-unusable': 'what the names of AutoID are made of is no such pattern',
  'pattern-exhausted': 'all names of the pattern are given: projects.*.requests.autoId',
  'names-unread':
    'which names are given elsewhere could not be read yet; it is matched by itself when they are',
  'unknown-project': 'no such project is configured',
  'project-inactive': 'the project is not active',
  'project-not-begun': 'the project has not begun',
  'project-expired': 'the project has ended',
}

/** For a person: what each means, and where. */
export function inWords(reasons: readonly Pick<Reason, 'code' | 'where'>[]): string {
  return reasons.map(({ code, where }) => `${explanations[code]}: ${where}`).join('; ')
}

/** @param where no longer than a person reads, whatever a source wrote */
export function reason(code: ReasonCode, where: string): Reason {
  const shown = visibleText(where)
  return { code, where: shown.length > 300 ? `${shown.slice(0, 300)}…` : shown, count: 1 }
}
