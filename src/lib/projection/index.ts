// What happened, as tables: an SQLite database that answers an administrator's questions at once.
//
// It is a projection and never the truth: it is made from the journals, record by record, and whoever
// doubts it makes it again. In one transaction go the rows that some lines of a journal bring and the
// position behind these lines, so that a killed process leaves no line counted twice or not at all. Every
// row has a key from its record, too: the same record once more changes nothing.
export { listDeliveries, listErrors, listProjects, listSeries, listStudies } from './list.ts'
export type { Listing, Questions } from './list.ts'
export { Projection, projectionPath } from './projection.ts'
export { followJournals, lagOf, readAll } from './follow-journals.ts'
export type { Lag } from './follow-journals.ts'
export { tableOf } from './table.ts'
