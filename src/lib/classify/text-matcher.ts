import type { Value } from './attribute-value.ts'
import { BoundedRegExp, PatternError } from '../regexp/index.ts'
import type { Expected } from './rule-definition.ts'

/**
 * A regexp of the rule file, compiled once; or, where `value` names another attribute, whatever
 * pattern that has in this object (none that compiles: no match).
 */
export function textMatcher(
  expected: Expected,
): (text: string, other: Value | undefined) => boolean {
  if (expected.kind === 'text') {
    const regExp = new BoundedRegExp(expected.text)
    return (text) => regExp.test(text)
  }
  let last: { source: string; regExp: BoundedRegExp | undefined } | undefined
  return (text, other) => {
    if (other === undefined) return false
    if (last?.source !== other.text) last = { source: other.text, regExp: compile(other.text) }
    return last.regExp?.test(text) ?? false
  }
}

function compile(source: string): BoundedRegExp | undefined {
  try {
    return new BoundedRegExp(source)
  } catch (error) {
    if (error instanceof PatternError) return undefined
    throw error
  }
}
