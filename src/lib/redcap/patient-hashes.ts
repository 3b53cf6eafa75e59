import { createHash } from 'node:crypto'

/** How the project Incoming names patients: by a text that tells who is the same, and not who it is. */
export type PatientHash = (value: string) => string

/**
 * A keyed digest: without the key nobody can try out names or the numbers of a population register.
 * @param hash with a key of this site
 */
export function keyedHash(hash: (...texts: readonly string[]) => Buffer): PatientHash {
  return (value) => (value === '' ? '' : hash('redcap', value).toString('hex'))
}

/**
 * As existing projects have it: SHA-256 of the clear text. Whoever sees it can find out the patient by trying all
 * numbers there are; it is for projects that hold such values already.
 */
export const bareHash: PatientHash = (value) =>
  value === '' ? '' : createHash('sha256').update(value).digest('hex')
