import type { FionaError } from '../../error/index.ts'

/** Trouble with the destination, not with what is sent: it would befall every delivery alike. */
const unreachable = new Set(['E_CONNECT', 'E_TLS', 'E_ASSOCIATION_REJECTED', 'E_FOLDER'])

const shutOut = new Set([
  'E_ASSOCIATION_REJECTED',
  'E_CLOCK',
  'E_HOST_KEY',
  'E_S3_BUCKET',
  'E_S3_NOT_ALLOWED',
  'E_SECRET',
  'E_SSH_LOGIN',
  'E_TLS',
  'E_WEB_NOT_ALLOWED',
])

/** The objects are there, and what is asked for beyond that is not. */
const afterDelivery = new Set(['E_NOT_VERIFIED', 'E_NOT_COMMITTED', 'E_NO_REPORT'])

export function befallsAll({ code, retryAfterSeconds }: FionaError): boolean {
  return unreachable.has(code) || retryAfterSeconds !== undefined
}

/** It does not let us in, or is not who it should be: no try mends that, and neither is any study to blame. */
export function isShutOut({ code }: FionaError): boolean {
  return shutOut.has(code)
}

/** What we know of this delivery cannot be read: nobody but a person may say that all of it goes again. Others go on. */
export function isOwnTrouble({ code }: FionaError): boolean {
  return code === 'E_LEDGER'
}

/** For persons, of trouble of its own: in a stage the delivery waits until they have mended it and say so. */
export function waitsForAPerson({ message, hint = '' }: FionaError): { why: string; next: string } {
  return { why: `it waits for a person: ${message}`, next: `${hint}. Then fiona-send retry` }
}

/** To stand before what is the matter. */
export function whatIsOpen({ code }: FionaError): string {
  return afterDelivery.has(code) ? 'not verified' : 'not delivered'
}
