import type { Conflict } from './conflicts.ts'
import type { CrosswalkLinks } from './crosswalk-links.ts'
import { type ParticipantLink, handlesOf, patientKeyOf, patientOf } from './link.ts'

/** Whom a counted name is for. */
export type Claimant = Omit<ParticipantLink, 'kind' | 'participant' | 'counted'>

/**
 * Why a patient may not be this participant: others are, or the patient is another one. Undefined where neither is so, or
 * where this very link is noted already, as it is when a person has decided so.
 * @throws FionaError E_CROSSWALK_DAMAGED
 */
export async function contradictionOf(
  links: CrosswalkLinks,
  link: ParticipantLink,
): Promise<Conflict['what'] | undefined> {
  const { holding } = await links.claims(link.project, handlesOf(link))
  const patient = JSON.stringify(patientOf(link))
  const isOfPatient = (other: ParticipantLink) => JSON.stringify(patientOf(other)) === patient
  const ofParticipant = holding.filter(({ participant }) => participant === link.participant)
  if (ofParticipant.some(isOfPatient)) return undefined
  if (ofParticipant.length > 0) return 'two patients are one participant'
  return holding.some(isOfPatient) ? 'a patient is two participants' : undefined
}

/**
 * Who a patient is in a project: one participant, unless a person has let pass several. Of a patient without an
 * identifier, who the study is.
 * @throws FionaError E_CROSSWALK_DAMAGED
 */
export async function participantsOf(links: CrosswalkLinks, whom: Claimant): Promise<string[]> {
  const { project, PatientID, StudyInstanceUID } = whom
  const patient = JSON.stringify(patientOf({ kind: 'participant', participant: '', ...whom }))
  const { holding } = await links.claims(project, [['patient', patientKeyOf(whom)]])
  const named = holding.filter((link) => JSON.stringify(patientOf(link)) === patient)
  const ofStudy =
    PatientID === '' && StudyInstanceUID !== undefined
      ? await links.by('study', StudyInstanceUID)
      : []
  const all = [...named, ...ofStudy.filter((link) => link.project === project)]
  return [...new Set(all.map(({ participant }) => participant))]
}
