// What flows between the tools: one JSON object a line, and nothing else.
export type * from './record.ts'
export { isRecordOf, nowIso, parseRecord } from './parse.ts'
export { errorRecord } from './error-record.ts'
export { LineSplitter, LineTooLong, maxLineBytes, recordTypeOf } from './lines.ts'
