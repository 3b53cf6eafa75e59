import { nearest } from '../text/index.ts'
import type { Problems } from './problems.ts'
import type { Definition, Entry, Test } from './rule-definition.ts'

/** Warns of tests for a type that no definition gives: most often its name was changed in one place only. */
export function checkTypesAskedFor(definitions: readonly Definition[], problems: Problems): void {
  const given = new Set(definitions.map(({ type }) => type))
  for (const test of definitions.flatMap(({ entries }) => testsAmong(entries))) {
    for (const type of typesAskedFor(test)) {
      if (given.has(type)) continue
      const guess = nearest(type, given)
      const advice = guess === undefined ? '' : `; did you mean "${guess}"?`
      problems.warning(test.offset, `no definition gives the type ${JSON.stringify(type)}${advice}`)
    }
  }
}

function testsAmong(entries: readonly Entry[]): Test[] {
  return entries.flatMap((entry) => {
    if (entry.kind === 'test') return [entry]
    return entry.kind === 'group' ? testsAmong(entry.entries) : []
  })
}

/** A regexp names no type for certain. */
function typesAskedFor({ operand, operator, expected }: Test): readonly string[] {
  if (operand.kind !== 'types' || operator !== 'contains') return []
  return expected.kind === 'text' ? [expected.text] : []
}
