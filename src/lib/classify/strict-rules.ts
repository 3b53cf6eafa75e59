import { type DicomFile, tagOf } from '../dicom/index.ts'
import { type Value, attributeValue, textValue, valueAt } from './attribute-value.ts'
import { Operands, ReadValues } from './operands.ts'
import { textList } from './python-text.ts'
import { byId } from './references.ts'
import type { Definition, Operand, Test } from './rule-definition.ts'
import { type Rules, TypeOrder } from './rules.ts'
import { osLevelOf, seriesFields } from './series-fields.ts'
import { type Chain, chainOf } from './strict-chain.ts'
import { StrictSeries } from './strict-series.ts'
import { type StrictTest, strictTest } from './strict-test.ts'

/** A test of attributes of the object itself; the same test of several definitions is one. */
export interface Leaf {
  readonly test: Test
  readonly holds: StrictTest
  readonly found: number
  readonly expected: number
}

/** A definition, its references put in. `types` tests look at ClassifyType. */
export type Condition =
  | { readonly kind: 'leaf'; readonly leaf: number; readonly negate: boolean; readonly test: Test }
  | {
      readonly kind: 'types'
      readonly holds: StrictTest
      readonly negate: boolean
      readonly test: Test
    }
  | {
      readonly kind: 'all'
      readonly id: string
      readonly negate: boolean
      readonly parts: readonly Condition[]
    }

/** What all tests say of one object. Objects of which they say the same share it. */
export interface Observation {
  readonly results: Uint8Array
  /** By definition, for an object alone. */
  readonly matched: readonly boolean[]
  readonly types: readonly string[]
}

const mostObservations = 10_000

/**
 * Our semantics, compiled. All tests of attributes are made once an object; their results decide
 * everything else. So a series is known by the few different results its objects have, however many
 * the objects are, and what all or any of them match can be asked again when a type was found.
 */
export class StrictRules implements Rules {
  readonly definitions: readonly Definition[]
  readonly order: TypeOrder
  readonly conditions: readonly (readonly Condition[])[]
  readonly chains: readonly Chain[]
  readonly leaves: Leaf[] = []
  readonly #operands = new Operands()
  readonly #leafByTest = new Map<string, number>()
  readonly #byId: ReadonlyMap<string, Definition>
  #observations = new Map<string, Observation>()

  constructor(definitions: readonly Definition[]) {
    this.definitions = definitions
    this.order = new TypeOrder(definitions)
    this.#byId = byId(definitions)
    const compiled = new Map<Definition, readonly Condition[]>()
    this.conditions = definitions.map((definition) => this.#compile(definition, compiled))
    this.chains = this.conditions.map(chainOf)
  }

  startSeries(): StrictSeries {
    return new StrictSeries(this)
  }

  typesOf(matched: readonly boolean[]): string[] {
    return this.order.sort(this.definitions.filter((_, at) => matched[at]).map(({ type }) => type))
  }

  valuesOf(file: DicomFile): ReadValues<Value> {
    return new ReadValues(this.#operands.all, (operand) => strictValue(file, operand))
  }

  observe(values: ReadValues<Value>): Observation {
    const results = new Uint8Array(this.leaves.length)
    let key = ''
    let bits = 0
    for (let at = 0; at < this.leaves.length; at++) {
      const leaf = this.leaves[at]
      if (leaf?.holds(values.at(leaf.found), values.at(leaf.expected)) === true) {
        results[at] = 1
        bits |= 1 << (at & 15)
      }
      if ((at & 15) === 15) {
        key += String.fromCharCode(bits)
        bits = 0
      }
    }
    key += String.fromCharCode(bits)
    const known = this.#observations.get(key)
    if (known !== undefined) return known
    const matched = this.match([results])
    const observation = { results, matched, types: this.typesOf(matched) }
    if (this.#observations.size >= mostObservations) this.#observations = new Map()
    this.#observations.set(key, observation)
    return observation
  }

  /**
   * Which definitions hold for objects together: `SeriesLevel` ones for all of them, others for any.
   * @param known what is known to hold already
   */
  match(objects: readonly Uint8Array[], known: readonly boolean[] = []): boolean[] {
    const matched = this.definitions.map((_, at) => known[at] ?? false)
    let types = asTypes(this.typesOf(matched))
    const tryOne = (at: number): boolean => {
      const conditions = this.conditions[at] ?? []
      if (matched[at] === true) return false
      const holds = (results: Uint8Array): boolean =>
        conditions.every((condition) => isMet(condition, results, types))
      const isAll = this.definitions[at]?.everyObject === true
      if (!(isAll ? objects.every(holds) : objects.some(holds))) return false
      matched[at] = true
      types = asTypes(this.typesOf(matched))
      return true
    }
    const tryAll = (chain: Chain): boolean[] =>
      this.chains.map((each, at) => each === chain && tryOne(at))
    tryAll('none')
    const settle = (): void => {
      while (tryAll('onTypes').includes(true));
    }
    settle()
    // Whether a type is absent can be asked when all others are settled; in the order of the file.
    this.chains.forEach((chain, at) => {
      if (chain === 'onAbsence' && tryOne(at)) settle()
    })
    return matched
  }

  #compile(
    definition: Definition,
    compiled: Map<Definition, readonly Condition[]>,
  ): readonly Condition[] {
    const known = compiled.get(definition)
    if (known !== undefined) return known
    const conditions = definition.entries.flatMap((entry): Condition[] => {
      if (entry.kind === 'skipped') return []
      if (entry.kind === 'test') return [this.#compileTest(entry)]
      const target = this.#byId.get(entry.id)
      const parts = target === undefined ? [] : this.#compile(target, compiled)
      return [{ kind: 'all', id: entry.id, negate: entry.negate, parts }]
    })
    compiled.set(definition, conditions)
    return conditions
  }

  #compileTest(test: Test): Condition {
    const { negate } = test
    if (test.operand.kind === 'types') {
      return { kind: 'types', holds: strictTest(test), negate, test }
    }
    const key = JSON.stringify([test.operand.key, test.operator, test.expected, test.tolerance])
    let leaf = this.#leafByTest.get(key)
    if (leaf === undefined) {
      const { expected } = test
      leaf =
        this.leaves.push({
          test,
          holds: strictTest(test),
          found: this.#operands.slotOf(test.operand),
          expected: expected.kind === 'operand' ? this.#operands.slotOf(expected.operand) : -1,
        }) - 1
      this.#leafByTest.set(key, leaf)
    }
    return { kind: 'leaf', leaf, negate, test }
  }
}

export function isMet(condition: Condition, results: Uint8Array, types: Value): boolean {
  switch (condition.kind) {
    case 'leaf':
      return (results[condition.leaf] === 1) !== condition.negate
    case 'types':
      return condition.holds(types, undefined) !== condition.negate
    case 'all':
      return condition.parts.every((part) => isMet(part, results, types)) !== condition.negate
  }
}

/** ClassifyType as a test sees it: always a list, even of one. */
export function asTypes(types: readonly string[]): Value {
  return { form: 'text', texts: types, isList: true, text: textList(types) }
}

/** A name is the DICOM keyword; where no such attribute is there, the name of the original's series JSON. */
function strictValue(file: DicomFile, operand: Operand): Value | undefined {
  if (operand.kind === 'types') return undefined
  if (operand.kind === 'tag') {
    const value = attributeValue(file, operand.tag)
    if (operand.index === undefined || value === undefined) return value
    return valueAt(value, operand.index)
  }
  const { name } = operand
  const tag = tagOf(name)
  const value = tag === undefined ? undefined : attributeValue(file, tag)
  if (value !== undefined) return value
  const field = seriesFields.get(name)
  if (field === undefined || field === tag) return undefined
  const found = attributeValue(file, field)
  if (name !== 'OSLevel' || found === undefined) return found
  const level = osLevelOf(found.text)
  return level === undefined ? undefined : textValue([level])
}
