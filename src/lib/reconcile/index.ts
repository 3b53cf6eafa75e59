// Archive, journal and views, held against each other. Each object of the archive has a record in `received` and its
// links in the views; where somebody lost a journal's segment, restored a backup or removed views, some have not.
//
// What is looked at stays on the disk, however large: the archive is walked, the journal is streamed, and in memory is one
// table of digests, of as many studies at a time as it has room for. Nothing is ever removed.
export { nothingFound, reconcile } from './reconcile.ts'
export type { ReconcileCounts, ReconcileOptions } from './reconcile.ts'
export type { Finding, FindingKind } from './finding.ts'
export { StudyTable } from './study-table.ts'
export { tellReconciled } from './tell-reconciled.ts'
