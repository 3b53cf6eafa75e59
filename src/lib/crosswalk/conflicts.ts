import { type Link, patientOf } from './link.ts'

/** Two links that cannot both be true. Research identities alone: no value of the clinic. */
export interface Conflict {
  readonly what:
    | 'two patients are one participant'
    | 'a patient is two participants'
    | 'a study has two new UIDs'
  readonly project: string
  readonly participants: readonly string[]
}

/** Looks at links one after the other, and says of each what it contradicts. */
export class Conflicts {
  #patients = new Map<string, string>()
  #participants = new Map<string, string>()
  #studies = new Map<string, string>()

  add(link: Link): Conflict[] {
    return link.kind === 'participant' ? this.#addParticipant(link) : this.#addStudy(link)
  }

  #addParticipant(link: Extract<Link, { kind: 'participant' }>): Conflict[] {
    const { project, participant } = link
    const patient = JSON.stringify(patientOf(link))
    const found: Conflict[] = []
    const owner = known(this.#patients, JSON.stringify([project, participant]), patient)
    if (owner !== patient) {
      found.push({ what: 'two patients are one participant', project, participants: [participant] })
    }
    const other = known(this.#participants, JSON.stringify([project, patient]), participant)
    if (other !== participant) {
      found.push({
        what: 'a patient is two participants',
        project,
        participants: [other, participant],
      })
    }
    return found
  }

  #addStudy(link: Extract<Link, { kind: 'study' }>): Conflict[] {
    const { project, participant, StudyInstanceUID, newStudyInstanceUID } = link
    const key = JSON.stringify([project, participant, StudyInstanceUID])
    if (known(this.#studies, key, newStudyInstanceUID) === newStudyInstanceUID) return []
    return [{ what: 'a study has two new UIDs', project, participants: [participant] }]
  }
}

/** What was noted first. */
function known(map: Map<string, string>, key: string, value: string): string {
  const there = map.get(key)
  if (there === undefined) map.set(key, value)
  return there ?? value
}
