import { statusMeaning } from '../../dimse/index.ts'
import { ExitCode, FionaError } from '../../error/index.ts'
import { statusInWords } from '../status-in-words.ts'

/** A destination says of one object why it does not take it. @param status as of C-STORE (PS3.4 B.2.3) */
export function refused(peer: string, status: number, comment?: string): FionaError {
  const { retryable } = statusMeaning(status)
  return new FionaError('E_REFUSED', `${peer} answered with ${statusInWords(status, comment)}`, {
    hint: retryable ? 'has it room, and is it well?' : 'its log says why',
    retryable,
    exitCode: ExitCode.unavailable,
  })
}
