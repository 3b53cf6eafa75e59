import { createHash, createHmac, hkdfSync } from 'node:crypto'

/** How the project Incoming names patients: by a text that tells who is the same, and not who it is. */
export type PatientHash = (value: string) => string

/**
 * A keyed digest: without the key of the site nobody can try out names or the numbers of a population register.
 * The subkey is for this purpose alone.
 */
export function keyedHash(key: Buffer): PatientHash {
  const subkey = Buffer.from(hkdfSync('sha256', key, 'fiona', 'redcap 1 patient', 32))
  return (value) => (value === '' ? '' : createHmac('sha256', subkey).update(value).digest('hex'))
}

/**
 * As existing projects have it: SHA-256 of the clear text. Whoever sees it can find out the patient by trying all
 * numbers there are; it is for projects that hold such values already.
 */
export const bareHash: PatientHash = (value) =>
  value === '' ? '' : createHash('sha256').update(value).digest('hex')
