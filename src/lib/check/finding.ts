import { FionaError } from '../error/index.ts'

export type Level = 'ok' | 'warning' | 'error'

/** One line of the answer. */
export interface Finding {
  readonly level: Level
  /** What was looked at: `rules`, `destination research`. */
  readonly what: string
  readonly message: string
  /** What to do about it. */
  readonly hint?: string
  /** The key of the configuration that is at fault. */
  readonly keys?: readonly string[]
  /** `file:line` of that. */
  readonly at?: string
}

export function ok(what: string, message: string): Finding {
  return { level: 'ok', what, message }
}
export function warning(what: string, message: string, hint: string): Finding {
  return { level: 'warning', what, message, hint }
}
export function error(what: string, message: string, hint: string): Finding {
  return { level: 'error', what, message, hint }
}

/** What a room throws, with its own hint. */
export function thrown(what: string, problem: unknown): Finding {
  if (problem instanceof FionaError) {
    return error(what, problem.message, problem.hint ?? 'see docs/errors.md')
  }
  return error(what, (problem as Error).message, 'make it readable for the user FIONA runs as')
}

/** The same, with the key of the configuration that it is about. */
export function about(finding: Finding, ...keys: readonly string[]): Finding {
  return { ...finding, keys }
}
