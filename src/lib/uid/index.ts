import { ExitCode, FionaError } from '../error/index.ts'

export { newUid } from './new-uid.ts'

declare const uidBrand: unique symbol
/** A DICOM unique identifier (PS3.5 section 9.1) that passed `parseUid`: safe as a file name. */
export type Uid = string & { readonly [uidBrand]: true }

/**
 * Digits in components joined by single dots, 1 to 64 characters. Leading zeros, which PS3.5 9.1
 * forbids, are tolerated: real devices send them, and they harm nothing.
 */
const uidPattern = /^(?=.{1,64}$)[0-9]+(?:\.[0-9]+)*$/

export function isUid(text: unknown): text is Uid {
  return typeof text === 'string' && uidPattern.test(text)
}

/**
 * @param what names the attribute in the error, for example `StudyInstanceUID`
 * @throws FionaError E_UID_INVALID
 */
export function parseUid(text: unknown, what = 'UID'): Uid {
  if (isUid(text)) return text
  const shown = typeof text === 'string' ? JSON.stringify(text.slice(0, 80)) : 'missing'
  throw new FionaError('E_UID_INVALID', `${what} is not a valid UID: ${shown}`, {
    hint: 'a UID has 1 to 64 characters: digits and single dots (PS3.5 9.1)',
    exitCode: ExitCode.badInput,
  })
}
