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
 * two participants. Whom the crosswalk knows stays who he is: the key made the name, and another key would make another
 * person of him in the middle of a project.
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
  const issuer = IssuerOfPatientID === '' ? {} : { IssuerOfPatientID }
  const study = PatientID === '' ? { StudyInstanceUID } : {}
  const whom = { project, PatientID, ...issuer, ...study }
  if (pseudonym !== 'counter') {
    const keyed =
      PatientID === ''
        ? pseudonyms.participant('study', StudyInstanceUID)
        : pseudonyms.participant('patient', PatientID, IssuerOfPatientID)
    const [known, ...others] = (await crosswalk?.participantsOf(whom)) ?? []
    // Which of several is meant nobody can tell: then it is held, unless the keyed name is one of them.
    return known === undefined || others.length > 0 ? keyed : known
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
  return crosswalk.count(whom, nth)
}
