// What happened, as directories of append-only NDJSON segments: read them with cat, grep and jq. Each
// writer has segments of its own, so no lock outlives a killed one; each reader has a cursor, a position
// in every segment. Nothing here says `file` to its users: another medium can stand beside it.
export { JournalWriter } from './journal-writer.ts'
export type { JournalWriterOptions } from './journal-writer.ts'
export { readJournal } from './read-journal.ts'
export type { JournalChunk, ReadOptions } from './read-journal.ts'
export { listReaders, loadCursor, saveCursor } from './cursor.ts'
export type { Cursor, SavedCursor } from './cursor.ts'
export { joinMoves, MovingCursor } from './moving-cursor.ts'
export type { Moves } from './moving-cursor.ts'
export { journalStat } from './journal-stat.ts'
export type { JournalStat, Lag } from './journal-stat.ts'
export { journalSize } from './journal-size.ts'
export type { JournalSize } from './journal-size.ts'
export {
  checkedName,
  findJournal,
  journalName,
  journalPath,
  listJournals,
  locateJournal,
} from './location.ts'
export { Lease } from './lease.ts'
export type { LeaseOptions } from './lease.ts'
export { leasePath } from './cursor.ts'
export { countLines } from './count-lines.ts'
export { lineFilter } from './line-filter.ts'
export type { LineQuestions } from './line-filter.ts'
export { pruneJournal } from './prune.ts'
export type { Kept, Pruned, PruneOptions } from './prune.ts'
export { prunedUpTo } from './pruned-up-to.ts'
export { repairJournal } from './repair.ts'
export type { Repaired } from './repair.ts'
export { retryErrors } from './retry.ts'
export type { Left, Retried, RetryOptions } from './retry.ts'
