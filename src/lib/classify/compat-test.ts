import type { Value } from './attribute-value.ts'
import { numberOf } from './read-values.ts'
import type { Test } from './rule-definition.ts'
import { areClose } from './strict-test.ts'
import { textMatcher } from './text-matcher.ts'

/**
 * What came of a test in the original. `pass` and `fail` it settled without looking at `negate`:
 * a comparison with what is no number passes either way, an unknown operator fails either way.
 * Where it crashed, we fail.
 */
export type CompatOutcome = 'true' | 'false' | 'pass' | 'fail'
export type CompatTest = (
  found: CompatValue | undefined,
  expected: CompatValue | undefined,
) => CompatOutcome

/** `isElement`: found by name in the object only, where the original got pydicom's element itself. */
export type CompatValue = Value & { readonly isElement?: boolean }

export function compatTest(test: Test): CompatTest {
  const { operator, expected, tolerance } = test
  const literals = expected.kind === 'text' ? [expected.text] : expected.texts
  switch (operator) {
    case 'regexp': {
      const literal = expected.kind === 'text' ? undefined : asLiteral(expected.texts)
      const matches = textMatcher(expected)
      // What is missing is an empty text, which `.*` matches.
      return (found, other) => outcome(matches(found?.text ?? '', other ?? literal))
    }
    case 'contains':
      return (found, other) =>
        contains(found, other?.text ?? literals[0] ?? '', expected.kind === 'list')
    case '==':
      return numeric(literals, (a, b) => a === b)
    case '!=':
      return numeric(literals, (a, b) => a !== b)
    case '<':
      return numeric(literals, (a, b) => a < b)
    case '>':
      return numeric(literals, (a, b) => a > b)
    case 'approx':
      // Several values are no Python list: orientations were never close to anything.
      return (found, other) =>
        outcome(
          found !== undefined &&
            !found.isList &&
            found.isElement !== true &&
            areClose(found.texts, other?.texts ?? literals, tolerance),
        )
    case 'exists':
      return (found) => outcome(found !== undefined)
    case 'notexists':
      return (found) => outcome(found === undefined)
    case '<=':
    case '>=':
    case 'in':
    case undefined:
      return () => 'fail'
  }
}

function outcome(holds: boolean): CompatOutcome {
  return holds ? 'true' : 'false'
}

function asLiteral(texts: readonly string[]): CompatValue {
  return { form: 'text', texts, isList: texts.length > 1, text: texts[0] ?? '' }
}

function contains(
  found: CompatValue | undefined,
  wanted: string,
  isListWanted: boolean,
): CompatOutcome {
  if (found === undefined || isListWanted) return 'false'
  if (found.isElement === true || found.form === 'other') return 'fail'
  if (found.isList) {
    // A number in a list equals no text; one that is text in the file does.
    return outcome(found.form !== 'number' && found.texts.includes(wanted))
  }
  if (found.form === 'number' || found.form === 'decimal') return 'fail'
  return outcome((found.texts[0] ?? '').includes(wanted))
}

function numeric(
  literals: readonly string[],
  compare: (a: number, b: number) => boolean,
): CompatTest {
  return (found, other) => {
    const right = other?.texts ?? literals
    const left = found?.texts ?? []
    if (left.length > 1 || right.length > 1 || found?.isElement === true) return 'fail'
    const a = numberOf(left[0] ?? '')
    const b = numberOf(right[0] ?? '')
    return a === undefined || b === undefined ? 'pass' : outcome(compare(a, b))
  }
}
