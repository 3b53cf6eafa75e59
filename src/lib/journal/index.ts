// What happened, as directories of append-only NDJSON segments: read them with cat, grep and jq. Each
// writer has segments of its own, so no lock outlives a killed one; each reader has a cursor, a position
// in every segment. Nothing here says `file` to its users: another medium can stand beside it.
export { JournalWriter } from './journal-writer.ts'
export type { JournalWriterOptions } from './journal-writer.ts'
export { readJournal } from './read-journal.ts'
export type { JournalChunk, ReadOptions } from './read-journal.ts'
export { loadCursor, saveCursor } from './cursor.ts'
export type { Cursor, SavedCursor } from './cursor.ts'
export { journalStat } from './journal-stat.ts'
export type { JournalStat, Lag } from './journal-stat.ts'
export { checkedName, journalName, journalPath, locateJournal } from './location.ts'
