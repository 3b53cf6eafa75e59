import { type NumberDemand, numberDemand, NumberDemands } from './number-demand.ts'
import type { Problems } from './problems.ts'
import { numberOf } from './read-values.ts'
import { byId, referencesOf } from './references.ts'
import type { Definition, Entry } from './rule-definition.ts'

/** What must hold for a definition: every test by what it says, with `+`, or `-` where it must not. */
interface Demands {
  readonly all: ReadonlySet<string>
  /** What an attribute must be equal to, by the attribute. */
  readonly equals: ReadonlyMap<string, string>
  /** Those of `all` that are about numbers. */
  readonly numeric: ReadonlyMap<string, NumberDemand>
  /** What they come to, by the attribute. */
  readonly numbers: ReadonlyMap<string, NumberDemands>
  /** Two of them cannot hold together. */
  readonly contradiction: string | undefined
}

/**
 * Warns of definitions that say nothing: they can never hold, or whenever they do another one gives the same type. In
 * strict only: in compat a test and its opposite may hold together. To be called when there is no mistake in the file.
 */
export function checkIdle(definitions: readonly Definition[], problems: Problems): void {
  const known = byId(definitions)
  const demands = new Map<Definition, Demands>()
  const demandsOf = (definition: Definition): Demands => {
    const before = demands.get(definition)
    if (before !== undefined) return before
    const found = collect(definition.entries, (id) => {
      const other = known.get(id)
      return other === undefined ? undefined : demandsOf(other)
    })
    demands.set(definition, found)
    return found
  }
  const referred = new Set(definitions.flatMap(referencesOf).map(({ id }) => id))
  const byType = new Map<string, Definition[]>()
  for (const definition of definitions) {
    const { type } = definition
    const same = byType.get(type)
    if (same === undefined) byType.set(type, [definition])
    else same.push(definition)
  }
  for (const definition of definitions) {
    const { contradiction } = demandsOf(definition)
    if (contradiction !== undefined) {
      problems.warning(definition.offset, `this can never hold: ${contradiction}`)
      continue
    }
    // Others may need what it says of an object, whatever type it gives.
    if (definition.id !== undefined && referred.has(definition.id)) continue
    const wider = byType.get(definition.type)?.find((other) => covers(other, definition, demandsOf))
    if (wider === undefined) continue
    const message = `this adds nothing: whenever it holds, that of line ${String(wider.line)} gives ${JSON.stringify(definition.type)}, too`
    problems.warning(definition.offset, message)
  }
}

/** Whether `wider` holds whenever `narrower` does. Of two that say the same, the first covers the second. */
function covers(
  wider: Definition,
  narrower: Definition,
  demandsOf: (definition: Definition) => Demands,
): boolean {
  if (wider === narrower) return false
  // What holds for any object of a series need not hold for all of them.
  if (levelOf(wider) > levelOf(narrower)) return false
  const [few, many] = [demandsOf(wider), demandsOf(narrower)]
  if (few.contradiction !== undefined || !follow(few, many)) return false
  if (wider.offset < narrower.offset || levelOf(wider) !== levelOf(narrower)) return true
  return !follow(many, few)
}

/** Whether all of `few` holds where `many` does. */
function follow(few: Demands, many: Demands): boolean {
  for (const demand of few.all) {
    if (many.all.has(demand)) continue
    const asked = few.numeric.get(demand)
    if (asked === undefined || many.numbers.get(asked.attribute)?.imply(asked) !== true)
      return false
  }
  return true
}

function levelOf({ everyObject, ofStudy }: Definition): number {
  return Number(everyObject) + Number(ofStudy)
}

function collect(
  entries: readonly Entry[],
  demandsOf: (id: string) => Demands | undefined,
): Demands {
  const all = new Set<string>()
  const equals = new Map<string, string>()
  const numeric = new Map<string, NumberDemand>()
  const numbers = new Map<string, NumberDemands>()
  let contradiction: string | undefined
  const demandNumber = (what: string, asked: NumberDemand): void => {
    if (numeric.has(what)) return
    numeric.set(what, asked)
    const demands = numbers.get(asked.attribute) ?? new NumberDemands()
    numbers.set(asked.attribute, demands)
    demands.add(asked)
    contradiction ??= demands.contradiction
  }
  const demand = (what: string, isNegated: boolean, words: string): void => {
    all.add(`${isNegated ? '-' : '+'}${what}`)
    if (all.has(`${isNegated ? '+' : '-'}${what}`)) {
      contradiction ??= `it asks for ${words}, and for the opposite`
    }
  }
  const demandEqual = (attribute: string, text: string): void => {
    const before = equals.get(attribute) ?? text
    equals.set(attribute, before)
    if (isOther(before, text)) {
      contradiction ??= `no value is ${JSON.stringify(before)} and ${JSON.stringify(text)} at once`
    }
  }
  for (const entry of entries) {
    if (entry.kind === 'skipped') continue
    if (entry.kind === 'reference') {
      demand(`rule ${entry.id}`, entry.negate, `the rule ${JSON.stringify(entry.id)}`)
      const others = entry.negate ? undefined : demandsOf(entry.id)
      for (const other of others?.all ?? []) {
        demand(other.slice(1), other.startsWith('-'), 'a test of a rule it refers to')
      }
      for (const [attribute, text] of others?.equals ?? []) demandEqual(attribute, text)
      for (const [what, asked] of others?.numeric ?? []) demandNumber(what, asked)
      contradiction ??= others?.contradiction
    } else if (entry.kind === 'group') {
      // All of several tests are those tests; anything else is one thing of its own.
      const parts = entry.entries.map(textOf)
      if (entry.negate || entry.mode === 'any') {
        demand(`${entry.mode} ${JSON.stringify(parts)}`, entry.negate, 'a group')
        const asked = numberDemand(entry)
        if (asked !== undefined) demandNumber(textOf(entry), asked)
      } else {
        const inside = collect(entry.entries, demandsOf)
        for (const other of inside.all)
          demand(other.slice(1), other.startsWith('-'), 'a test of a group')
        for (const [attribute, text] of inside.equals) demandEqual(attribute, text)
        for (const [what, asked] of inside.numeric) demandNumber(what, asked)
        contradiction ??= inside.contradiction
      }
    } else {
      const { operand, operator, expected, negate, written } = entry
      demand(testText(entry), negate, `${JSON.stringify(written.tag)} ${written.operator}`)
      const isLiteral = operator === '==' && expected.kind === 'text' && !negate
      if (isLiteral && operand.kind !== 'types') demandEqual(operand.key, expected.text)
      const asked = numberDemand(entry)
      if (asked !== undefined) demandNumber(textOf(entry), asked)
    }
  }
  return { all, equals, numeric, numbers, contradiction }
}

function testText({ operand, operator, expected, tolerance }: Extract<Entry, { kind: 'test' }>) {
  return `test ${JSON.stringify([operand.key, operator, expected, tolerance])}`
}

/** The same for entries that say the same. */
function textOf(entry: Entry): string {
  switch (entry.kind) {
    case 'skipped':
      return ''
    case 'reference':
      return `${entry.negate ? '-' : '+'}rule ${entry.id}`
    case 'test':
      return `${entry.negate ? '-' : '+'}${testText(entry)}`
    case 'group': {
      const { negate, mode, entries } = entry
      return `${negate ? '-' : '+'}${mode} ${JSON.stringify(entries.map(textOf))}`
    }
  }
}

function isOther(a: string, b: string): boolean {
  const number = numberOf(a)
  return a !== b && (number === undefined || number !== numberOf(b))
}
