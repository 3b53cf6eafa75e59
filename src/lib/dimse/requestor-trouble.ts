import { ExitCode, FionaError, isTlsTrouble, noSecureConnection } from '../error/index.ts'
import { AbortSource, type Abort, type AssociateReject, RejectResult } from './pdu/index.ts'

/** PS3.8 table 9-21, in words. */
const rejections: Readonly<Record<string, string>> = {
  '1.1': 'no reason given',
  '1.2': 'application context name not supported',
  '1.3': 'calling AE title not recognized',
  '1.7': 'called AE title not recognized',
  '2.1': 'no reason given by its ACSE',
  '2.2': 'protocol version not supported',
  '3.1': 'temporary congestion',
  '3.2': 'local limit exceeded',
}
const hints: Readonly<Record<string, string>> = {
  '1.3': 'the peer must be told of our AE title (callingAET, --calling-aet)',
  '1.7': 'is the AE title in the address that of the peer?',
}

/** @param peer who rejects, `AE@host:port` */
export function rejected(peer: string, { result, source, reason }: AssociateReject): FionaError {
  const isPermanent = result === RejectResult.permanent
  const key = `${String(source)}.${String(reason)}`
  const words = rejections[key] ?? `source ${String(source)}, reason ${String(reason)}`
  const manner = isPermanent ? 'permanently' : 'for now'
  return new FionaError(
    'E_ASSOCIATION_REJECTED',
    `${peer} rejected the association ${manner}: ${words}`,
    {
      hint: hints[key],
      retryable: !isPermanent,
      exitCode: isPermanent ? ExitCode.notAllowed : ExitCode.tryAgain,
    },
  )
}

export function abortedBy(peer: string, { source, reason }: Abort): FionaError {
  const who = source === AbortSource.serviceUser ? 'its application' : 'its DICOM layer'
  return lost(peer, `aborted by ${who}, reason ${String(reason)}`)
}

/** The association is gone, whoever ended it: what was not answered may or may not have arrived. */
export function lost(peer: string, how: string, cause?: unknown): FionaError {
  return new FionaError('E_ASSOCIATION_ABORTED', `the association with ${peer} ended: ${how}`, {
    retryable: true,
    exitCode: ExitCode.unavailable,
    cause,
  })
}

/** In TLS 1.3 a peer looks at our certificate when we believe to be connected (RFC 8446 4.4.2.4). */
export function isOurCertificateRefused({ code = '' }: NodeJS.ErrnoException): boolean {
  return /^ERR_SSL_.*_ALERT_.*(CERT|UNKNOWN_CA)/.test(code)
}

export function timedOut(peer: string, what: string, seconds: number): FionaError {
  return new FionaError('E_TIMEOUT', `${peer}: ${what} within ${String(seconds)} s`, {
    retryable: true,
    exitCode: ExitCode.unavailable,
  })
}

export function stopped(peer: string): FionaError {
  return new FionaError('E_STOPPED', `the association with ${peer} was given up: we were stopped`, {
    retryable: true,
    exitCode: ExitCode.tryAgain,
  })
}

/** Before there was an association. Certificates are not the network's fault: told apart by their codes. */
export function notConnected(peer: string, error: NodeJS.ErrnoException): FionaError {
  const code = error.code ?? error.name
  if (isTlsTrouble(code)) return noSecureConnection(peer, error)
  return new FionaError('E_CONNECT', `nobody answers at ${peer} (${code})`, {
    hint: 'is it running, and are host and port right? Is a firewall between?',
    retryable: true,
    exitCode: ExitCode.unavailable,
    cause: error,
  })
}

/**
 * No presentation context for this kind of object was accepted.
 * @param alternatives transfer syntaxes that it could have been converted into, which were proposed, too
 */
export function notAccepted(
  peer: string,
  SOPClassUID: string,
  transferSyntax: string,
  alternatives: readonly string[] = [],
): FionaError {
  const nor = alternatives.map((one) => `, nor in ${one}`).join('')
  return new FionaError(
    'E_NOT_ACCEPTED',
    `${peer} does not take SOP class ${SOPClassUID} in transfer syntax ${transferSyntax}${nor}`,
    {
      hint: 'the peer must be configured to accept it; with transcode: lossless of the destination, compressed pixels go decompressed',
      exitCode: ExitCode.unavailable,
    },
  )
}
