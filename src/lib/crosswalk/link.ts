/** A link between the two sides of the privacy boundary. */
export type Link = ParticipantLink | StudyLink

export interface ParticipantLink {
  readonly kind: 'participant'
  readonly project: string
  readonly participant: string
  /** Empty where the study named no patient; then `StudyInstanceUID` says of which study it is. */
  readonly PatientID: string
  readonly IssuerOfPatientID?: string
  readonly StudyInstanceUID?: string
  /**
   * A claim of a name that was counted. Of several claims of one name, or by one patient, the first in the file
   * holds, and the others are nothing: `FirstClaims` knows.
   */
  readonly counted?: true
}

export interface StudyLink {
  readonly kind: 'study'
  readonly project: string
  readonly participant: string
  readonly StudyInstanceUID: string
  readonly newStudyInstanceUID: string
}

/** That a look-up is in the audit trail: who cuts the end off the trail would have to cut here, too. */
export interface Anchor {
  readonly kind: 'audit'
  readonly mac: string
}

export type Entry = (Link | Anchor) & { readonly time?: string }

/** Two links with the same text say the same. */
export function identityOf(entry: Link | Anchor): string {
  if (entry.kind === 'audit') return JSON.stringify(['audit', entry.mac])
  const { kind, project, participant } = entry
  return kind === 'participant'
    ? JSON.stringify([kind, project, participant, ...patientOf(entry), entry.counted === true])
    : JSON.stringify([
        kind,
        project,
        participant,
        entry.StudyInstanceUID,
        entry.newStudyInstanceUID,
      ])
}

/** Who a link is of, in all projects. */
export function patientOf({
  PatientID,
  IssuerOfPatientID,
  StudyInstanceUID,
}: ParticipantLink): string[] {
  return [PatientID, IssuerOfPatientID ?? '', ...(PatientID === '' ? [StudyInstanceUID ?? ''] : [])]
}

/** By what a link is looked up. */
export type LookUpKind = 'participant' | 'patient' | 'study' | 'newStudy'

/** All that leads to an entry, besides its id. Blanks around an identifier are not the patient's. */
export function handlesOf(entry: Link | Anchor): (readonly [kind: LookUpKind, value: string])[] {
  if (entry.kind === 'audit') return []
  const name = ['participant', entry.participant] as const
  if (entry.kind === 'study') {
    return [name, ['study', entry.StudyInstanceUID], ['newStudy', entry.newStudyInstanceUID]]
  }
  return [name, ['patient', patientKeyOf(entry)]]
}

/** A patient without an identifier is known by the study. */
export function patientKeyOf({
  PatientID,
  StudyInstanceUID = '',
}: Pick<ParticipantLink, 'PatientID' | 'StudyInstanceUID'>): string {
  return PatientID.trim() === '' ? ` ${StudyInstanceUID}` : PatientID.trim()
}

/** @returns undefined for anything that is no entry */
export function parseEntry(text: string): Entry | undefined {
  let value: Record<string, unknown> | null
  try {
    value = JSON.parse(text) as typeof value
  } catch {
    return undefined
  }
  const isText = (...names: string[]) => names.every((name) => typeof value?.[name] === 'string')
  const isThere =
    value?.['kind'] === 'participant'
      ? isText('project', 'participant', 'PatientID')
      : value?.['kind'] === 'study'
        ? isText('project', 'participant', 'StudyInstanceUID', 'newStudyInstanceUID')
        : value?.['kind'] === 'audit' && isText('mac')
  return isThere ? (value as unknown as Entry) : undefined
}

/** Which of the counted claims hold, for whoever reads a crosswalk from its beginning. */
export class FirstClaims {
  #names = new Map<string, string>()
  #patients = new Map<string, string>()

  /** To be asked once for each link, in the order of the file. A link that was not counted always holds. */
  holds(link: ParticipantLink): boolean {
    const { project, participant } = link
    const name = JSON.stringify([project, participant])
    const patient = JSON.stringify([project, ...patientOf(link)])
    const owner = this.#names.get(name)
    if (link.counted === true) {
      if (owner !== undefined && owner !== patient) return false
      if (this.#patients.has(patient) && this.#patients.get(patient) !== participant) return false
    }
    if (owner === undefined) this.#names.set(name, patient)
    if (!this.#patients.has(patient)) this.#patients.set(patient, participant)
    return true
  }

  participantOf(project: string, patient: readonly string[]): string | undefined {
    return this.#patients.get(JSON.stringify([project, ...patient]))
  }

  isTaken(project: string, participant: string): boolean {
    return this.#names.has(JSON.stringify([project, participant]))
  }
}
