import type { Link } from './link.ts'
import type { WhoIsWho } from './who-is-who.ts'

/** What is known; all of it must fit. */
export interface Question {
  readonly project?: string | undefined
  readonly patient?: string | undefined
  readonly participant?: string | undefined
  readonly study?: string | undefined
  readonly newStudy?: string | undefined
}

type Dated = Link & { readonly time?: string }

/**
 * Who that is. A patient or a participant brings all studies, a study brings the one it is of: no more is told than
 * was asked for. Read twice, because the link that tells who it is may stand in front of the one that fits.
 */
export async function lookUp(whoIsWho: WhoIsWho, question: Question): Promise<Dated[]> {
  const persons = new Set<string>()
  await whoIsWho.each((link) => {
    if (fits(link, question)) persons.add(personOf(link))
  })
  const found: Dated[] = []
  if (persons.size === 0) return found
  await whoIsWho.each((link) => {
    if (persons.has(personOf(link)) && belongs(link, question)) found.push(link)
  })
  return found
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
