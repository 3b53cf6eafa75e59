import { ExitCode, FionaError } from '../error/index.ts'

const tryLater =
  'FIONA tries again by itself and loses nothing; ask whoever runs REDCap if it lasts. fiona-redcap check shows what it says'

/** It cannot be reached, does not answer as an API does, or asks to be left alone for a while. */
export function down(message: string, cause?: unknown): FionaError {
  return new FionaError('E_REDCAP_DOWN', message, {
    hint: tryLater,
    retryable: true,
    exitCode: ExitCode.unavailable,
    cause,
  })
}

/** Its certificate does not prove who it is. */
export function untrusted(host: string, code: string, cause: unknown): FionaError {
  return new FionaError('E_REDCAP_TLS', `the certificate of ${host} is not trusted (${code})`, {
    hint: 'if an authority of your site signed it, name its certificate as caFile; nothing was sent. An expired one has to be renewed there',
    retryable: true,
    exitCode: ExitCode.unavailable,
    cause,
  })
}

/** The token is not (any more) allowed to do that. */
export function forbidden(project: string, said: string): FionaError {
  return new FionaError(
    'E_REDCAP_RIGHTS',
    `REDCap does not let the token of ${project} do that: ${said}`,
    {
      hint: 'in the REDCap project, under User Rights, give its user API Export and API Import/Update and the data export right Full Data Set; if the token was deleted, put the new one into its file',
      retryable: true,
      exitCode: ExitCode.notAllowed,
    },
  )
}

/** It understood, and does not take it: the same will not be taken later either. */
export function refused(project: string, said: string): FionaError {
  return new FionaError('E_REDCAP_REFUSED', `REDCap refused a call for ${project}: ${said}`, {
    hint: 'compare the project with its data dictionary (share/redcap): fiona-redcap check names the fields that are missing',
    exitCode: ExitCode.badInput,
  })
}

/** JSON, but not what the API documents. */
export function notUnderstood(project: string, what: string): FionaError {
  return new FionaError(
    'E_REDCAP_ANSWER',
    `REDCap's answer for ${project} is not what it should be: ${what}`,
    {
      hint: 'is there another program at this URL? It should end in /api/',
      retryable: true,
      exitCode: ExitCode.unavailable,
    },
  )
}
