/** Storage Commitment Push Model (PS3.4 J.3): the class, and the one instance that everybody uses (J.3.5). */
export const STORAGE_COMMITMENT = '1.2.840.10008.1.20.1'
export const STORAGE_COMMITMENT_INSTANCE = '1.2.840.10008.1.20.1.1'

/** PS3.4 table J.3-1. */
export const REQUEST_STORAGE_COMMITMENT = 1

/** PS3.4 table J.3-2. */
export const EventType = { allCommitted: 1, failuresExist: 2 } as const

/** Failure Reason (0008,1197), PS3.3 C.14.1.1. */
export const FailureReason = {
  processingFailure: 0x0110,
  noSuchObjectInstance: 0x0112,
  classInstanceConflict: 0x0119,
  duplicateTransactionUID: 0x0131,
} as const
export type FailureReason = (typeof FailureReason)[keyof typeof FailureReason]

/** An object that the peer would like to delete once we have it. */
export interface Reference {
  readonly SOPClassUID: string
  readonly SOPInstanceUID: string
}

/** Of questions and reports (PS3.4 tables J.3-1 and J.3-2). */
export const Tag = {
  ReferencedSOPClassUID: 0x00081150,
  ReferencedSOPInstanceUID: 0x00081155,
  TransactionUID: 0x00081195,
  FailureReason: 0x00081197,
  FailedSOPSequence: 0x00081198,
  ReferencedSOPSequence: 0x00081199,
} as const
