// Storage commitment (PS3.4 annex J) that we ask for. A transaction is on disk before a destination is asked,
// and stays there until what it reported was made use of. Who asked need not be who hears the report: it comes
// on the association of the question, on one to a port of the asker's own, or in by a door of the receiver
// (docs/adr/0013-who-hears-reports.md). They meet in a directory.
export {
  EventType,
  FailureReason,
  REQUEST_STORAGE_COMMITMENT,
  STORAGE_COMMITMENT,
  STORAGE_COMMITMENT_INSTANCE,
  Tag,
  type Reference,
} from './sop-class.ts'
export { DiskTransactions } from './disk-transactions.ts'
export { MemoryTransactions } from './memory-transactions.ts'
export { encodeRequest } from './encode-request.ts'
export { hearReport, ReportHearing } from './hear-report.ts'
export type { AskedObject, Report, Transaction, Transactions } from './transactions.ts'
