import { hash } from 'node:crypto'

/** Root of the UIDs that the original FIONA makes. */
const originalRoot = '1.3.6.1.4.1.45037.'
/** It cuts its UIDs to one character less than there may be. */
const longestUid = 63

/**
 * How the original FIONA replaces UIDs and identifiers: SHA-256, whose hexadecimal digits a to f are written 0 to 5.
 * There is no secret in it: whoever knows an identifier finds what it became. For projects that were begun so.
 */
export function originalDigits(bytes: Buffer): string {
  return hash('sha256', bytes, 'hex').replace(/[a-f]/g, (digit) =>
    String(Number.parseInt(digit, 16) - 10),
  )
}

/**
 * @param uid without padding
 * @param isPadded its input is the value as files hold it, with a NUL behind an odd number of characters
 */
export function originalUid(uid: string, project: string, isPadded: boolean): string {
  const digits = originalDigits(Buffer.from(asStored(uid, isPadded) + project, 'utf8'))
  return `${originalRoot}${digits}`.slice(0, longestUid)
}

/**
 * What its `hashuid` makes: 64 digits without a root; of one in eight the first is a 0, which PS3.5 9.1 forbids and readers
 * let pass.
 */
export function originalUidWithoutRoot(uid: string, isPadded: boolean): string {
  return originalDigits(Buffer.from(asStored(uid, isPadded), 'utf8'))
}

function asStored(uid: string, isPadded: boolean): string {
  return isPadded && uid.length % 2 === 1 ? `${uid}\0` : uid
}
