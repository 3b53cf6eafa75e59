import { randomBytes } from 'node:crypto'

/** Crockford's alphabet: no letter that looks like a digit or like another. */
const base32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** 100 random bits: it tells nothing of the study. */
export function newRequestId(): string {
  return Array.from(randomBytes(20), (byte) => base32[byte % 32] ?? '').join('')
}

/** Told from a UID, which has no letters. */
export function isRequestId(text: string): boolean {
  return /^(?=.*[A-Z])[0-9A-HJKMNP-TV-Z]{20}$/.test(text)
}
