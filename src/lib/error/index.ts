export { ExitCode, FionaError } from './fiona-error.ts'
export type { FionaErrorOptions } from './fiona-error.ts'
export { troubleOfSurroundings } from './surroundings.ts'
export { lastWordsOf, readLastWords, type LastWords } from './last-words.ts'
