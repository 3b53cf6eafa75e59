import { type JsonNode, type JsonObject, memberOf, plainValue } from './json-source.ts'
import { nearestName } from './nearest-name.ts'
import type { Problems } from './problems.ts'
import { numberOf, shown } from './read-values.ts'
import { BoundedRegExp, PatternError } from '../regexp/index.ts'
import type { Expected, Operator, SemanticsName } from './rule-definition.ts'
import { isKnownName, isOperand, readOperand } from './operand-form.ts'

/** The `value` of a test, fit for its operator. Undefined where a mistake left nothing. */
export function readExpected(
  node: JsonObject,
  operator: Operator | undefined,
  problems: Problems,
  semantics: SemanticsName,
): Expected | undefined {
  const value = memberOf(node, 'value')?.value
  if (value === undefined) {
    if (operator === 'exists' || operator === 'notexists') return { kind: 'text', text: '' }
    problems.mistake(node.offset, 'a test without "value"')
    return undefined
  }
  const expected = readValue(value, operator, problems, semantics)
  if (expected !== undefined) checkFit(expected, operator, value, problems, semantics)
  return expected
}

function readValue(
  value: JsonNode,
  operator: Operator | undefined,
  problems: Problems,
  semantics: SemanticsName,
): Expected | undefined {
  const texts = textsOf(value)
  if (texts === undefined) {
    const message = `"value" is a text, a number or an array of them, not ${shown(value)}`
    problems.mistake(value.offset, message)
    return undefined
  }
  if (value.kind !== 'array') return { kind: 'text', text: texts[0] ?? '' }
  const parts = plainValue(value) as unknown[]
  const mayBeTag = operator !== 'in' && parts.every((part) => typeof part === 'string')
  const operand = mayBeTag ? readOperand(parts, semantics) : undefined
  if (operand === undefined || !isOperand(operand)) return { kind: 'list', texts }
  if (operand.kind === 'name' && !isKnownName(operand.name) && semantics === 'strict') {
    const guess = nearestName(operand.name)
    const advice = guess === undefined ? 'a text needs no array' : `did you mean "${guess}"?`
    problems.mistake(value.offset, `no attribute is called "${operand.name}"; ${advice}`)
    return undefined
  }
  return { kind: 'operand', operand, texts }
}

function textsOf(value: JsonNode): string[] | undefined {
  if (value.kind === 'object') return undefined
  const nodes = value.kind === 'array' ? value.items : [value]
  const texts: string[] = []
  for (const node of nodes) {
    if (node.kind !== 'scalar') return undefined
    if (typeof node.value !== 'string' && typeof node.value !== 'number') return undefined
    texts.push(String(node.value))
  }
  return texts
}

function checkFit(
  expected: Expected,
  operator: Operator | undefined,
  value: JsonNode,
  problems: Problems,
  semantics: SemanticsName,
): void {
  const refuse = (message: string): void => {
    problems[semantics === 'strict' ? 'mistake' : 'warning'](value.offset, message)
  }
  switch (operator) {
    case 'regexp':
      if (expected.kind === 'text') checkRegExp(expected.text, value.offset, problems)
      if (expected.kind === 'list') refuse(`a regexp is a text, not ${shown(value)}`)
      return
    case 'contains':
    case '==':
    case '!=':
      if (expected.kind === 'list') refuse(`${operator} takes one value, not ${shown(value)}`)
      return
    case '<':
    case '>':
    case '<=':
    case '>=':
      if (expected.kind === 'list') refuse(`${operator} takes one value, not ${shown(value)}`)
      if (expected.kind === 'text' && numberOf(expected.text) === undefined) {
        refuse(`${operator} compares numbers, and ${shown(value)} is none`)
      }
      return
    case 'approx': {
      const texts =
        expected.kind === 'text' ? [expected.text] : expected.kind === 'list' ? expected.texts : []
      if (texts.some((text) => numberOf(text) === undefined)) {
        refuse(`approx compares numbers, and ${shown(value)} is not made of them`)
      }
      return
    }
    case 'in':
      if (expected.kind !== 'list') refuse(`in takes an array of values, not ${shown(value)}`)
      return
    case 'exists':
    case 'notexists':
    case undefined:
      return
  }
}

function checkRegExp(pattern: string, offset: number, problems: Problems): void {
  try {
    if (new BoundedRegExp(pattern).isRisky) {
      const message = `the regexp ${JSON.stringify(pattern.slice(0, 80))} repeats what can be matched in several ways; elsewhere it may hang, here it is slow`
      problems.warning(offset, message)
    }
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    const place = `at character ${String(error.at + 1)}`
    problems.mistake(
      offset,
      `the regexp ${JSON.stringify(pattern.slice(0, 80))} does not compile: ${error.message} (${place})`,
    )
  }
}
