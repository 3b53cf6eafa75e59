import { FionaError } from '../error/index.ts'

/**
 * Refuses what must not get into a journal: whatever is not one JSON object with a type, and marks, which
 * are a stage's own and would make another stage believe that something is done.
 * @returns undefined when the line is a record
 */
export function whatIsWrong(line: Buffer | string): FionaError | undefined {
  let value: unknown
  try {
    value = JSON.parse(line.toString())
  } catch {
    // The parser's own words would quote the line, and lines hold names of patients.
    return refused('not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refused('not a record: it must be a JSON object')
  }
  const { type } = value as { type?: unknown }
  if (typeof type !== 'string' || type === '') return refused('not a record: it has no type')
  if (type === 'mark') return refused('a mark: those belong to stages, not into journals')
  return undefined
}

function refused(message: string): FionaError {
  return new FionaError('E_RECORD_INVALID', message)
}
