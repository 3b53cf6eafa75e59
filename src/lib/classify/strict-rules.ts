import type { DicomFile } from '../dicom/index.ts'
import { textList } from '../text/index.ts'
import type { Value } from './attribute-value.ts'
import { Operands, ReadValues } from './operands.ts'
import { byId } from './references.ts'
import type { Definition, Entry, Test } from './rule-definition.ts'
import { type Classified, type Rules, type SeriesTypes, TypeOrder } from './rules.ts'
import { type Chain, chainsOf } from './strict-chain.ts'
import { Evaluation } from './strict-evaluation.ts'
import { StrictSeries } from './strict-series.ts'
import { type StrictTest, strictTest } from './strict-test.ts'
import { type ReadValue, readerOf } from './strict-value.ts'

/** A test of attributes of the object itself; the same test of several definitions is one. */
export interface Leaf {
  readonly test: Test
  readonly holds: StrictTest
  readonly found: number
  readonly expected: number
}

/** One of the things that must hold for a definition. `types` tests look at ClassifyType. */
export type Condition =
  | { readonly kind: 'leaf'; readonly leaf: number; readonly negate: boolean; readonly test: Test }
  | {
      readonly kind: 'types'
      readonly holds: StrictTest
      readonly negate: boolean
      readonly test: Test
    }
  | {
      readonly kind: 'reference'
      readonly id: string
      /** Number of the definition. */
      readonly to: number
      readonly negate: boolean
    }
  | {
      readonly kind: 'group'
      readonly mode: 'all' | 'any'
      readonly negate: boolean
      readonly conditions: readonly Condition[]
    }

/** What a leaf said last, and of which values: of the same ones it says the same. */
interface Said {
  found: Value | undefined
  expected: Value | undefined
  holds: boolean
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
  /** By the number of the operand. */
  readonly #readers: readonly ReadValue[]
  readonly #leafByTest = new Map<string, number>()
  /** By leaf. */
  readonly #said: Said[]
  #observations = new Map<string, Observation>()

  constructor(definitions: readonly Definition[]) {
    this.definitions = definitions
    this.order = new TypeOrder(definitions)
    const numbers = new Map(
      [...byId(definitions)].map(([id, each]) => [id, definitions.indexOf(each)]),
    )
    this.conditions = definitions.map(({ entries }) => this.#compile(entries, numbers))
    this.chains = chainsOf(this.conditions)
    this.#readers = this.#operands.all.map(readerOf)
    this.#said = this.leaves.map(({ holds }) => {
      const nothing = { found: undefined, expected: undefined }
      return { ...nothing, holds: holds(undefined, undefined) }
    })
  }

  startSeries(): StrictSeries {
    return new StrictSeries(this)
  }

  studyTypes(series: readonly SeriesTypes[], explain: boolean): Classified {
    return StrictSeries.study(this, series, explain)
  }

  /** Whether there is anything to be asked of a study that its series do not say. */
  get asksOfStudies(): boolean {
    return this.definitions.some(({ ofStudy }) => ofStudy)
  }

  typesOf(matched: readonly boolean[]): string[] {
    return this.order.sort(this.definitions.filter((_, at) => matched[at]).map(({ type }) => type))
  }

  valuesOf(file: DicomFile): ReadValues<Value> {
    return new ReadValues(this.#readers.length, (slot) => this.#readers[slot]?.(file))
  }

  observe(values: ReadValues<Value>): Observation {
    const results = new Uint8Array(this.leaves.length)
    let key = ''
    let bits = 0
    for (let at = 0; at < this.leaves.length; at++) {
      const leaf = this.leaves[at]
      const said = this.#said[at]
      if (leaf === undefined || said === undefined) continue
      const found = values.at(leaf.found)
      const expected = values.at(leaf.expected)
      if (found !== said.found || expected !== said.expected) {
        said.found = found
        said.expected = expected
        said.holds = leaf.holds(found, expected)
      }
      if (said.holds) {
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
   * @param isStudy the objects are those of a study: `StudyLevel` definitions are tried, and no others
   */
  match(
    objects: readonly Uint8Array[],
    known: readonly boolean[] = [],
    isStudy = false,
  ): boolean[] {
    const matched = this.definitions.map((_, at) => known[at] ?? false)
    let types = asTypes(this.typesOf(matched))
    const evaluations = objects.map((results) => new Evaluation(this, results))
    const tryOne = (at: number): boolean => {
      if (matched[at] === true || this.definitions[at]?.ofStudy !== isStudy) return false
      const holds = (evaluation: Evaluation): boolean => evaluation.holds(at, types)
      const isAll = this.definitions[at]?.everyObject === true
      if (!(isAll ? evaluations.every(holds) : evaluations.some(holds))) return false
      matched[at] = true
      return true
    }
    const renew = (): void => {
      types = asTypes(this.typesOf(matched))
    }
    const tryAll = (chain: Chain): boolean => {
      const found = this.chains.map((each, at) => each === chain && tryOne(at)).includes(true)
      if (found) renew()
      return found
    }
    const settle = (): void => {
      while (tryAll('onTypes'));
    }
    tryAll('none')
    settle()
    // Whether a type is absent can be asked when all others are settled; in the order of the file.
    this.chains.forEach((chain, at) => {
      if (chain !== 'onAbsence' || !tryOne(at)) return
      renew()
      settle()
    })
    return matched
  }

  #compile(entries: readonly Entry[], numbers: ReadonlyMap<string, number>): Condition[] {
    return entries.flatMap((entry): Condition[] => {
      switch (entry.kind) {
        case 'skipped':
          return []
        case 'test':
          return [this.#compileTest(entry)]
        case 'group': {
          const { kind, mode, negate } = entry
          return [{ kind, mode, negate, conditions: this.#compile(entry.entries, numbers) }]
        }
        case 'reference': {
          const { kind, id, negate } = entry
          const to = numbers.get(id)
          return to === undefined ? [] : [{ kind, id, to, negate }]
        }
      }
    })
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

/** ClassifyType as a test sees it: always a list, even of one. */
export function asTypes(types: readonly string[]): Value {
  return { form: 'text', texts: types, isList: true, text: textList(types) }
}
