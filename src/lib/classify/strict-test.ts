import type { Value } from './attribute-value.ts'
import { numberOf } from './read-values.ts'
import { textMatcher } from './text-matcher.ts'
import type { Test } from './rule-definition.ts'

/** Whether a test holds, not counting its `negate`. `expected` is the value of an operand in `value`. */
export type StrictTest = (found: Value | undefined, expected: Value | undefined) => boolean

/**
 * Our semantics: what an object lacks, or has no value for, passes no test (but for `notexists`);
 * what cannot be compared is not equal; `negate` is the exact opposite.
 */
export function strictTest(test: Test): StrictTest {
  const compare = comparison(test)
  const { operator } = test
  if (operator === 'exists') return (found) => hasValue(found)
  if (operator === 'notexists') return (found) => !hasValue(found)
  const isReference = test.expected.kind === 'operand'
  return (found, expected) =>
    found !== undefined &&
    hasValue(found) &&
    (!isReference || hasValue(expected)) &&
    compare(found, expected)
}

function hasValue(value: Value | undefined): boolean {
  return value !== undefined && value.texts.length > 0
}

type Compare = (found: Value, expected: Value | undefined) => boolean

function comparison({ operator, expected, tolerance }: Test): Compare {
  const literals =
    expected.kind === 'text' ? [expected.text] : expected.kind === 'list' ? expected.texts : []
  const texts = (value: Value | undefined): readonly string[] => value?.texts ?? literals
  switch (operator) {
    case 'regexp': {
      const matches = textMatcher(expected)
      return (found, other) => matches(readable(found), other)
    }
    case 'contains':
      return (found, other) => {
        const wanted = texts(other)
        return wanted.every((text) =>
          found.isList ? found.texts.includes(text) : found.texts[0]?.includes(text),
        )
      }
    case 'in':
      return (found) =>
        found.texts.every((text) => literals.some((literal) => isEqual(text, literal)))
    case '==':
      return (found, other) => areEqual(found.texts, texts(other))
    case '!=':
      return (found, other) => !areEqual(found.texts, texts(other))
    case '<':
      return numeric(texts, (a, b) => a < b)
    case '>':
      return numeric(texts, (a, b) => a > b)
    case '<=':
      return numeric(texts, (a, b) => a <= b)
    case '>=':
      return numeric(texts, (a, b) => a >= b)
    case 'approx':
      return (found, other) => areClose(found.texts, texts(other), tolerance)
    case 'exists':
    case 'notexists':
    case undefined:
      return () => false
  }
}

/** Unknown bytes that are text are matched as the text they are. */
function readable(value: Value): string {
  return value.form === 'bytes' ? (value.texts[0] ?? '') : value.text
}

function isEqual(a: string, b: string): boolean {
  if (a === b) return true
  const left = numberOf(a)
  return left !== undefined && left === numberOf(b)
}

function areEqual(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, at) => isEqual(text, b[at] ?? ''))
}

/** One number against one number: of several values none is the one that was meant. */
function numeric(
  texts: (value: Value | undefined) => readonly string[],
  compare: (a: number, b: number) => boolean,
): Compare {
  return (found, other) => {
    const [left, right] = [found.texts, texts(other)]
    if (left.length !== 1 || right.length !== 1) return false
    const a = numberOf(left[0] ?? '')
    const b = numberOf(right[0] ?? '')
    return a !== undefined && b !== undefined && compare(a, b)
  }
}

export function areClose(a: readonly string[], b: readonly string[], tolerance: number): boolean {
  return (
    a.length === b.length &&
    a.every(
      (text, at) => Math.abs((numberOf(text) ?? NaN) - (numberOf(b[at] ?? '') ?? NaN)) <= tolerance,
    )
  )
}
