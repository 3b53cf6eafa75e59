import type { Crosswalk, ParticipantLink } from '../../crosswalk/index.ts'
import { type Profile, uidWayOf } from '../profile/profile.ts'
import type { Pseudonyms } from '../pseudonyms.ts'
import type { Reason } from '../reasons.ts'
import type { Patient } from './patient.ts'

/** Whose study is to become whose, and by what. */
export interface Becoming {
  readonly project: string
  readonly participant: string
  readonly patient: Patient
  readonly StudyInstanceUID: string
  readonly pseudonyms: Pseudonyms
  readonly profile: Profile
}

/**
 * What the crosswalk knows that speaks against it, before any object is made. What a person has decided is noted there,
 * and nothing speaks against it any more.
 * @throws FionaError E_CROSSWALK_DAMAGED
 */
export async function objectionsTo(becoming: Becoming, crosswalk: Crosswalk): Promise<Reason[]> {
  const found = [await ofPatient(becoming, crosswalk), await ofKey(becoming, crosswalk)]
  return found.filter((reason) => reason !== undefined)
}

/** A participant is one patient, and a patient one participant of a project. */
async function ofPatient(
  { project, participant, patient }: Becoming,
  crosswalk: Crosswalk,
): Promise<Reason | undefined> {
  if (patient.PatientID === '') return undefined
  const found = await crosswalk.contradiction(participantLink(project, participant, patient))
  if (found === undefined) return undefined
  const code =
    found === 'two patients are one participant'
      ? 'participant-of-other-patient'
      : 'patient-is-other-participant'
  return { code, where: '(0010,0020) PatientID', count: 1 }
}

/**
 * UIDs and days are functions of the key, without a table. With another key, or root, a study that went out would become a
 * second one; and with another key the intervals between a participant's studies would be wrong, and nothing in them tells.
 */
async function ofKey(
  { project, participant, StudyInstanceUID, pseudonyms, profile }: Becoming,
  crosswalk: Crosswalk,
): Promise<Reason | undefined> {
  const studies = async (kind: 'study' | 'participant', value: string) =>
    (await crosswalk.linksBy(kind, value)).filter(
      (link) => link.kind === 'study' && link.project === project,
    ) as { StudyInstanceUID: string; newStudyInstanceUID: string }[]
  const known = await studies('study', StudyInstanceUID)
  const newUid = pseudonyms.uid(StudyInstanceUID)
  if (
    known.length > 0 &&
    known.every(({ newStudyInstanceUID }) => newStudyInstanceUID !== newUid)
  ) {
    return { code: 'study-has-other-uid', where: '(0020,000D) StudyInstanceUID', count: 1 }
  }
  // Kept UIDs, and the original FIONA's, do not tell with which key their study was made.
  const isTold = uidWayOf(profile) === 'keyed'
  if (profile.dateShift.mode !== 'perParticipant' || !isTold) return undefined
  const others = (await studies('participant', participant)).filter(
    (link) => link.StudyInstanceUID !== link.newStudyInstanceUID,
  )
  const isOfOtherKey = others.every(
    (link) => !pseudonyms.isMadeOf(link.newStudyInstanceUID, link.StudyInstanceUID),
  )
  return others.length > 0 && isOfOtherKey
    ? { code: 'dates-have-other-shift', where: 'dates of the participant', count: 1 }
    : undefined
}

export function participantLink(
  project: string,
  participant: string,
  { PatientID, IssuerOfPatientID }: Patient,
): ParticipantLink {
  const issuer = IssuerOfPatientID === '' ? {} : { IssuerOfPatientID }
  return { kind: 'participant', project, participant, PatientID, ...issuer }
}
