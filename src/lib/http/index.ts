// What every HTTP client here must see to, whatever it asks for: an answer has an end, and a request for patience is understood.
export { AnswerTooLong, readWhole } from './read-whole.ts'
export { retryAfterSeconds } from './retry-after.ts'
