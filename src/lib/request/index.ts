// Which research project a study belongs to, and as whom. Sources say so (rules, tables, whoever else is plugged in); what they say is put
// together, and a person decides where it does not go together. What waits, what was decided, and who is who in a project is in one
// database, so that the same question has the same answer for good.
export { type ByHand, decideByHand } from './by-hand.ts'
export { knownOfStudy, linesOfKnown } from './known-of-study.ts'
export { linesOf, troubleOfSources, type WaitingRow, waitingRows } from './list-waiting.ts'
export { Matcher, type MatcherOptions } from './matcher.ts'
export { openSources } from './open-sources.ts'
export { Projects } from './projects.ts'
export { followResults } from './results.ts'
export type * from './source.ts'
export { StatusFile } from './status-file.ts'
export { sourcesOf } from './sources-of.ts'
export { isRequestId } from './store/request-id.ts'
export { requestDirectory, Store } from './store/store.ts'
export { Study } from './study-in-question.ts'
export type { Row as TableRow } from './table/row.ts'
export { readTableFile, tableName } from './table/table-file.ts'
export { TableSource } from './table/table-source.ts'
