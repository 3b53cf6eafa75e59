import { ExitCode, FionaError } from '../error/index.ts'
import type { WebAnswer } from './web-client.ts'

/** Come again later, all of it: timeouts, too many requests, out of order, out of space. */
const later = new Set([408, 425, 429, 500, 502, 503, 504, 507, 509, 529])

const hints: Readonly<Record<number, string>> = {
  401: 'is the secret in tokenFile or passwordFile right, and has it not run out?',
  403: 'whoever runs the service must allow this account to do it',
  404: 'the URL is the DICOMweb root: what stands before /studies',
  405: 'the URL is the DICOMweb root: what stands before /studies. Does the service take objects (STOW-RS)?',
  407: 'a proxy stands between; the service must be reached without it',
  413: 'the service, or a proxy before it, limits the size of a request: raise its limit above the largest object',
  415: 'the service does not take this SOP class or transfer syntax: see its log',
}

/**
 * What a status that is not success means for what was asked (RFC 9110 15). Nothing of the answer's body is
 * told: nobody knows what is in it.
 * @param peer the service's address
 */
export function statusTrouble(peer: string, answer: WebAnswer): FionaError {
  const { status, retryAfterSeconds } = answer
  if (status >= 300 && status < 400) {
    return new FionaError(
      'E_WEB_REDIRECT',
      `${peer} points somewhere else (${String(status)}${where(answer)})`,
      {
        hint: 'nothing was sent there, as nobody configured it; if it is right, write that address into the configuration',
        exitCode: ExitCode.badConfig,
      },
    )
  }
  if (status === 401 || status === 403 || status === 407) {
    return new FionaError(
      'E_WEB_NOT_ALLOWED',
      `${peer} does not let us do this (${String(status)})`,
      {
        hint: hints[status],
        exitCode: ExitCode.notAllowed,
      },
    )
  }
  return new FionaError('E_WEB_STATUS', `${peer} answered with ${String(status)}`, {
    hint:
      hints[status] ??
      (later.has(status) ? 'see its log' : 'what is wrong with the request, its log knows'),
    retryable: later.has(status),
    retryAfterSeconds,
    exitCode: ExitCode.unavailable,
  })
}

/** Scheme, host and port of where it points: what follows may hold secrets. */
function where({ location }: WebAnswer): string {
  if (location === undefined || !URL.canParse(location)) return ''
  const { protocol, host } = new URL(location)
  return `, to ${protocol}//${host.slice(0, 200)}`
}
