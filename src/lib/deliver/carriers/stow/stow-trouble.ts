import { ExitCode, FionaError } from '../../../error/index.ts'

/** The answer to an object that was sent alone, and it says no more than a status of HTTP. */
export function refusedAlone(peer: string, status: number): FionaError {
  const hint =
    status === 413
      ? 'the service, or a proxy before it, limits the size of a request: raise its limit above the largest object'
      : 'the service does not take this SOP class, transfer syntax or content: see its log'
  return new FionaError('E_REFUSED', `${peer} answered with status ${String(status)}`, {
    hint,
    exitCode: ExitCode.unavailable,
  })
}

export function notNamed(peer: string): FionaError {
  return new FionaError('E_NOT_TOLD', `${peer} did not say what became of the object`, {
    hint: 'it is sent again; if it never says, the service does not follow PS3.18 10.5.3',
    retryable: true,
    exitCode: ExitCode.unavailable,
  })
}

export function notTold(peer: string, status: number): FionaError {
  const message = `${peer} answered with ${String(status)} and did not say what became of the objects`
  return new FionaError('E_NOT_TOLD', message, {
    hint: 'is the URL the DICOMweb root? What answers may be a proxy or a login page',
    retryable: true,
    exitCode: ExitCode.unavailable,
  })
}
