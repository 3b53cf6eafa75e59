import type { Uid } from '../uid/index.ts'

/** An object that a destination is asked to take responsibility for. */
export interface AskedObject {
  readonly SOPClassUID: string
  readonly SOPInstanceUID: string
  /** Of the file that was sent: what the answer is about. */
  readonly sha256: string
}

/** A question, from before it is asked until what was answered is noted elsewhere. */
export interface Transaction {
  /** Random: nobody can report it who was not asked. */
  readonly TransactionUID: Uid
  /** The process that asks, so that two on one directory leave each other alone. */
  readonly owner: string
  /** What it is about, in the words of its owner. */
  readonly subject: string
  /** Its name, for people. */
  readonly destination: string
  /** When, ISO 8601. */
  readonly time: string
  /** 1 for the first question about these objects, one more when it was not answered. */
  readonly ask: number
  readonly objects: readonly AskedObject[]
  /** The destination has answered that it will report; until then nobody knows whether it heard. */
  readonly isTaken: boolean
}

/** What a destination said of a transaction. */
export interface Report {
  /** When it came, ISO 8601. */
  readonly time: string
  /** SOP Instance UIDs. */
  readonly committed: readonly string[]
  readonly failed: readonly {
    readonly SOPInstanceUID: string
    /** Failure Reason (0008,1197), PS3.3 C.14.1.1; 0 where the report names none. */
    readonly reason: number
  }[]
}

/** Open transactions. */
export interface Transactions {
  /** When it resolves a report will find it, whatever happens to this process. */
  begin(transaction: Transaction): Promise<void>
  /**
   * A report came; when it resolves the report is safe.
   * @returns false when no such transaction is open
   */
  report(TransactionUID: Uid, report: Report): Promise<boolean>
  /** What was reported so far. */
  reportOf(TransactionUID: Uid): Promise<Report | undefined>
  /** The answer was made use of, or nobody waits for it any more. */
  end(TransactionUID: Uid): Promise<void>
  /** The destination will report. */
  taken(TransactionUID: Uid): Promise<void>
  find(TransactionUID: Uid): Promise<Transaction | undefined>
  /** Those of this owner that are open, the oldest first. */
  open(owner: string): Promise<Transaction[]>
  /** Calls whenever a report may have come, until the signal aborts. */
  watch(onReport: (TransactionUID: Uid) => void, signal: AbortSignal): Promise<void>
}
