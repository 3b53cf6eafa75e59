import { visibleText } from '../text/index.ts'
import type { DefinitionTrace, TestTrace } from './rules.ts'

/**
 * A trace for people: why the definitions of a type do, or do not, hold. Definitions that they refer
 * to follow, each once.
 * @param ruleFile its name, in front of line numbers
 */
export function explainType(
  type: string,
  trace: readonly DefinitionTrace[],
  ruleFile: string,
): string[] {
  const byId = new Map(trace.flatMap((each) => (each.id === undefined ? [] : [[each.id, each]])))
  const shown = new Set(trace.filter((each) => each.type === type))
  // A Set that grows while it is walked is walked to its end.
  for (const definition of shown) {
    for (const id of references(definition.tests ?? [])) {
      const other = byId.get(id)
      if (other !== undefined) shown.add(other)
    }
  }
  return [...shown].flatMap((definition) => [
    `${ruleFile}:${String(definition.line)}: ${headOf(definition)}`,
    ...(definition.tests ?? []).flatMap((test) => testLines(test, definition.of, '  ')),
  ])
}

function headOf({ type, id, check, matched, objects, of }: DefinitionTrace): string {
  const name = id === undefined || id === type ? visibleText(type) : `${visibleText(type)} (${id})`
  const verb = matched ? 'holds' : 'does not hold'
  const each = objects === undefined ? '' : `, for ${String(objects)} of ${String(of)} objects`
  return `${name}${check === undefined ? '' : `, ${check},`} ${verb}${each}`
}

function* references(tests: readonly TestTrace[]): Generator<string> {
  for (const { rule, tests: inner } of tests) {
    if (rule !== undefined) yield rule
    if (inner !== undefined) yield* references(inner)
  }
}

function testLines(test: TestTrace, of: number | undefined, indent: string): string[] {
  const { passed } = test
  const outcome =
    typeof passed === 'boolean' ? (passed ? 'yes' : 'no ') : `${String(passed)} of ${String(of)}`
  const line = `${indent}${outcome} ${sayTest(test)}`
  const inner = test.tests ?? []
  return [line, ...inner.flatMap((each) => testLines(each, of, `${indent}  `))]
}

function sayTest({ tag, operator, value, rule, group, negate, found, note }: TestTrace): string {
  if (group !== undefined) return group
  const no = negate === true ? 'not ' : ''
  if (rule !== undefined) return `${no}rule ${visibleText(rule)}`
  const asked = [tag, value].map((each) => visibleText(JSON.stringify(each ?? '')))
  const test = `${no}${String(asked[0])} ${String(operator)} ${String(asked[1])}`
  const has =
    found === undefined ? '' : `; found ${found === null ? 'nothing' : visibleText(found)}`
  return `${test}${has}${note === undefined ? '' : ` (${note})`}`
}
