import { ExitCode, FionaError } from './fiona-error.ts'
import { isTrustProblem } from './trust.ts'

/** Of OpenSSL and Node, beside what says that a certificate proves nothing. */
const aboutTls = /CERT|SSL|TLS|ISSUER|SIGNED|HOSTNAME|ALTNAME/i

/** Whether it is the secure connection that failed, and not the network. @param code of an error of a connection */
export function isTlsTrouble(code: string): boolean {
  return isTrustProblem(code) || aboutTls.test(code)
}

/** E_TLS: there is no secure connection to that peer. */
export function noSecureConnection(peer: string, error: NodeJS.ErrnoException): FionaError {
  return new FionaError('E_TLS', `no secure connection to ${peer}: ${error.code ?? error.name}`, {
    hint: 'do the certificates fit: caFile for theirs, certFile and keyFile for ours? Does it speak TLS at this port?',
    retryable: true,
    exitCode: ExitCode.unavailable,
    cause: error,
  })
}
