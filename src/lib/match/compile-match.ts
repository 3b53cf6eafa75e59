import { ConditionError, subjectOf, valueTest, type Subject } from './condition.ts'

/** By connection facts and attributes; several texts: one of them is enough. */
type Conditions = Readonly<Record<string, string | readonly string[]>>

/** As a configuration has it: conditions that must all hold, or several lists of such. */
export type Match = Conditions | readonly Conditions[]

/** One condition of a match, ready to be asked. */
export interface Condition {
  /** A fact of the connection, or an attribute, as it is written. */
  readonly key: string
  readonly subject: Subject
  /** Patterns or address ranges as the configuration has them: one that fits is enough. */
  readonly written: readonly string[]
  readonly holds: (value: string) => boolean
}

/** Conditions that must all hold; of several such lists one is enough. */
export type Alternatives = readonly (readonly Condition[])[]

/** @param report told of each mistake, with the keys below `match` that lead to it; what is wrong is left out */
export function compileMatch(
  match: Match,
  report: (keys: readonly string[], message: string) => void,
): Alternatives {
  const compile = (conditions: Conditions, above: readonly string[]) =>
    Object.entries(conditions).flatMap(([key, value]) => {
      const keys = [...above, key]
      return reporting(keys, report, () => {
        const subject = subjectOf(key)
        const written = typeof value === 'string' ? [value] : value
        const tests = written.flatMap((text, at) =>
          reporting(typeof value === 'string' ? keys : [...keys, String(at)], report, () => [
            valueTest(subject, text),
          ]),
        )
        const holds = (seen: string): boolean => tests.some((test) => test(seen))
        return [{ key, subject, written, holds }]
      })
    })
  return isList(match) ? match.map((one, at) => compile(one, [String(at)])) : [compile(match, [])]
}

function reporting<Made>(
  keys: readonly string[],
  report: (keys: readonly string[], message: string) => void,
  make: () => readonly Made[],
): readonly Made[] {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error
    report(keys, error.message)
    return []
  }
}

function isList(match: Match): match is readonly Conditions[] {
  return Array.isArray(match)
}
