// What every HTTP client here must see to, whatever it asks for: an answer has an end, a request for patience is understood, and it is known
// whether a connection broke or the other side could not prove who it is.
export { AnswerTooLong, readWhole } from './read-whole.ts'
export { retryAfterSeconds } from './retry-after.ts'
export { isTrustProblem } from './trust.ts'
