import { ExitCode, FionaError } from '../../error/index.ts'
import { FailureReason } from '../../transaction/index.ts'

/** Failure Reason (0008,1197), PS3.3 C.14.1.1, in words; and whether sending the object again may help. */
const reasons: ReadonlyMap<number, readonly [meaning: string, sendAgain: boolean]> = new Map([
  [0, ['it does not say why', true]],
  [FailureReason.processingFailure, ['processing failure', true]],
  [FailureReason.noSuchObjectInstance, ['it does not have it', true]],
  [0x0213, ['out of resources', true]],
  [0x0122, ['its SOP class is not committed there', false]],
  [FailureReason.classInstanceConflict, ['it has it under another SOP class', false]],
  [FailureReason.duplicateTransactionUID, ['a Transaction UID that is in use', true]],
])

/** The destination answered, and does not take responsibility for an object. */
export function notCommitted(destination: string, reason: number): FionaError {
  const code = `0x${reason.toString(16).toUpperCase().padStart(4, '0')}`
  const [meaning, retryable] = reasons.get(reason) ?? [`Failure Reason ${code}`, true]
  const why = reason === 0 || !reasons.has(reason) ? meaning : `${code}, ${meaning}`
  return new FionaError('E_NOT_COMMITTED', `${destination} does not commit itself to it: ${why}`, {
    hint: retryable
      ? 'does it store what it takes? Look at its log'
      : 'it was delivered; with verify: find or none nobody asks for more',
    retryable,
    exitCode: ExitCode.unavailable,
  })
}

/** It was asked as often as it may be. */
export function noReport(destination: string, objects: number): FionaError {
  return new FionaError(
    'E_NO_REPORT',
    `${destination} did not report on ${String(objects)} of them within the time for storage commitment`,
    {
      hint: 'does it know where our AE title listens (the port of fiona-scp, or commitment.port), and may it connect there?',
      exitCode: ExitCode.unavailable,
    },
  )
}
