import type { Crosswalk } from './crosswalk.ts'
import type { DatedLink } from './crosswalk-links.ts'
import type { Link, LookUpKind } from './link.ts'

/** What is known; all of it must fit. */
export interface Question {
  readonly project?: string | undefined
  readonly patient?: string | undefined
  readonly participant?: string | undefined
  readonly study?: string | undefined
  readonly newStudy?: string | undefined
}

/**
 * Who that is. A patient or a participant brings all studies, a study brings the one it is of: no more is told than
 * was asked for.
 * @throws FionaError E_CROSSWALK_DAMAGED
 */
export async function lookUp(crosswalk: Crosswalk, question: Question): Promise<DatedLink[]> {
  const persons = new Map<string, Link>()
  for (const link of await crosswalk.linksBy(...mostTelling(question))) {
    if (fits(link, question)) persons.set(personOf(link), link)
  }
  const found: DatedLink[] = []
  for (const [person, { participant }] of persons) {
    for (const link of await crosswalk.linksBy('participant', participant)) {
      if (personOf(link) === person && belongs(link, question)) found.push(link)
    }
  }
  return found
}

/** What the fewest links can have. */
function mostTelling(question: Question): [kind: LookUpKind, value: string] {
  const { patient = '', participant = '', study, newStudy } = question
  if (study !== undefined) return ['study', study]
  if (newStudy !== undefined) return ['newStudy', newStudy]
  return patient.trim() === '' ? ['participant', participant] : ['patient', patient.trim()]
}

/** Whether this link says that its participant is the one who is asked for. */
function fits(link: Link, { project, patient, participant, study, newStudy }: Question): boolean {
  if (project !== undefined && link.project !== project) return false
  if (participant !== undefined && link.participant !== participant) return false
  if (link.kind === 'participant') {
    const isAskedByStudy = study !== undefined || newStudy !== undefined
    return !isAskedByStudy && (patient === undefined || link.PatientID.trim() === patient.trim())
  }
  if (patient !== undefined) return false
  return (
    (study === undefined || link.StudyInstanceUID === study) &&
    (newStudy === undefined || link.newStudyInstanceUID === newStudy)
  )
}

/** Of one who was found: what answers the question. */
function belongs(link: Link, { patient, study, newStudy }: Question): boolean {
  if (link.kind === 'participant') {
    return patient === undefined || link.PatientID.trim() === patient.trim()
  }
  return (
    (study === undefined || link.StudyInstanceUID === study) &&
    (newStudy === undefined || link.newStudyInstanceUID === newStudy)
  )
}

function personOf({ project, participant }: Link): string {
  return JSON.stringify([project, participant])
}
