import { type Crosswalk, namesOf } from '../../crosswalk/index.ts'
import { ExitCode, FionaError } from '../../error/index.ts'
import type { Patient } from './patient.ts'
import type { Pseudonyms } from '../pseudonyms.ts'

/** Where the participants of a project have their names from (`projects.*.deidentify`). */
export interface Naming {
  /** As the request says; a keyed function of the patient; or counted. */
  readonly pseudonym: 'fromRequest' | 'hash' | 'counter'
  /** Of counted names: the n-th one. */
  readonly nth: (n: number) => string | undefined
}

/**
 * @param pattern of counted names; the project's name and four digits or more unless given
 * @throws FionaError E_CONFIG
 */
export function namingOf(
  project: string,
  pseudonym: Naming['pseudonym'] = 'fromRequest',
  pattern?: string,
): Naming {
  const usual = (n: number) => `${project}-${String(n).padStart(4, '0')}`
  return { pseudonym, nth: pattern === undefined ? usual : namesOf(pattern) }
}

/**
 * Whoever the project's own rule makes of a patient. Where there is no patient, of the study: two studies of nobody are
 * two participants.
 * @throws FionaError E_CROSSWALK_MISSING where names are counted and there is nothing to count them in
 */
export async function nameParticipant(
  { PatientID, IssuerOfPatientID }: Patient,
  StudyInstanceUID: string,
  project: string,
  { pseudonym, nth }: Naming,
  pseudonyms: Pseudonyms,
  crosswalk: Crosswalk | undefined,
): Promise<string> {
  if (pseudonym !== 'counter') {
    return PatientID === ''
      ? pseudonyms.participant('study', StudyInstanceUID)
      : pseudonyms.participant('patient', PatientID, IssuerOfPatientID)
  }
  if (crosswalk === undefined) {
    throw new FionaError(
      'E_CROSSWALK_MISSING',
      'participants are counted in the crosswalk, and there is none',
      {
        hint: 'give --data-dir or --config, or --participant',
        exitCode: ExitCode.badConfig,
      },
    )
  }
  const issuer = IssuerOfPatientID === '' ? {} : { IssuerOfPatientID }
  const study = PatientID === '' ? { StudyInstanceUID } : {}
  return crosswalk.count({ project, PatientID, ...issuer, ...study }, nth)
}
