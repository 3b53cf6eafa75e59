import type { Patient } from './patient.ts'

/**
 * Who the participants of one run are. Where there is a crosswalk it holds the study of a second patient; without one
 * nothing is known of earlier runs, and whoever names one participant for all that comes in is at least told.
 */
export class PatientsOfRun {
  readonly #patients = new Map<string, string>()

  /** @returns whether this participant was another patient before. A study that does not say of whom it is, is nobody else's. */
  isAnother(
    project: string,
    participant: string,
    { PatientID, IssuerOfPatientID }: Patient,
  ): boolean {
    if (PatientID === '') return false
    const who = JSON.stringify([project, participant])
    const patient = JSON.stringify([PatientID, IssuerOfPatientID])
    const known = this.#patients.get(who)
    if (known === undefined) this.#patients.set(who, patient)
    return known !== undefined && known !== patient
  }
}
