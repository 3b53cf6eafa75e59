import { seriesFields, tagOf } from '../dicom/index.ts'
import {
  above,
  below,
  between,
  inAny,
  inBoth,
  isWithin,
  everyNumber,
  type NumberSet,
  without,
} from './number-set.ts'
import { numberOf } from './read-values.ts'
import type { Entry, Operand, Test } from './rule-definition.ts'

/** What an entry asks of an attribute that has one number. */
export interface NumberDemand {
  readonly attribute: string
  /** It holds for these numbers. */
  readonly numbers: NumberSet
  /** It holds for nothing but one number: else also where there is none, or are several. */
  readonly needsOne: boolean
  /** As it is written: `["EchoTime"]`, and what is asked of it. */
  readonly tag: string
  readonly words: string
}

/** Undefined for what says nothing of numbers. */
export function numberDemand(entry: Entry): NumberDemand | undefined {
  if (entry.kind === 'group') return demandOfAny(entry)
  if (entry.kind !== 'test') return undefined
  const { operand, operator, negate, written } = entry
  const numbers = numbersOf(entry)
  if (numbers === undefined || operand.kind === 'types') return undefined
  return {
    attribute: keyOf(operand),
    numbers: negate ? without(numbers) : numbers,
    needsOne: !negate && operator !== '!=' && operator !== 'in',
    tag: JSON.stringify(written.tag),
    words: `${negate ? 'not ' : ''}${written.operator} ${JSON.stringify(written.value)}`,
  }
}

/** One of several tests of one attribute is enough. */
function demandOfAny({ mode, negate, entries }: Extract<Entry, { kind: 'group' }>) {
  if (mode !== 'any' || negate || entries.length === 0) return undefined
  const demands = entries.map(numberDemand)
  const [first] = demands
  const known = demands.filter((one) => one !== undefined && one.attribute === first?.attribute)
  if (first === undefined || known.length < demands.length) return undefined
  return {
    ...first,
    numbers: inAny(demands.flatMap((one) => (one === undefined ? [] : [one.numbers]))),
    needsOne: demands.every((one) => one?.needsOne === true),
    words: demands.map((one) => one?.words).join(' or '),
  }
}

/** For which numbers a test holds, not counting its `negate`. */
function numbersOf({ operator, expected, tolerance }: Test): NumberSet | undefined {
  if (expected.kind === 'operand') return undefined
  const texts = expected.kind === 'text' ? [expected.text] : expected.texts
  const numbers = texts.map((text) => numberOf(text) ?? Number.NaN)
  if (numbers.length === 0 || numbers.some(Number.isNaN)) return undefined
  if (operator === 'in') return inAny(numbers.map((number) => between(number, number)))
  const [number = 0] = numbers
  if (numbers.length > 1) return undefined
  switch (operator) {
    case '==':
      return between(number, number)
    case '!=':
      return without(between(number, number))
    case '<':
      return below(number)
    case '<=':
      return between(-Infinity, number)
    case '>':
      return above(number)
    case '>=':
      return between(number, Infinity)
    case 'approx':
      return between(number - tolerance, number + tolerance)
    default:
      return undefined
  }
}

/** A keyword and its tag are one thing, but where the series JSON has another attribute by that name. */
function keyOf(operand: Operand): string {
  if (operand.kind !== 'name') return operand.key
  const tag = tagOf(operand.name)
  const field = seriesFields().get(operand.name)
  const isAttribute = tag !== undefined && (field === undefined || field === tag)
  return isAttribute ? tag.toString(16) : operand.key
}

/** All that is asked of the numbers of an attribute. */
export class NumberDemands {
  readonly #all: NumberDemand[] = []
  #numbers: NumberSet = everyNumber
  #needsOne = false

  add(demand: NumberDemand): void {
    this.#all.push(demand)
    this.#numbers = inBoth(this.#numbers, demand.numbers)
    this.#needsOne ||= demand.needsOne
  }

  /** Why no number can do; undefined where one can, or where there need be none. */
  get contradiction(): string | undefined {
    const last = this.#all.at(-1)
    if (!this.#needsOne || this.#numbers.length > 0 || last === undefined) return undefined
    const pair = this.#all.flatMap((one, at) =>
      this.#all
        .slice(0, at)
        .filter((other) => inBoth(one.numbers, other.numbers).length === 0)
        .map((other) => [other.words, one.words]),
    )[0]
    const words = [...new Set(pair ?? this.#all.map((one) => one.words))]
    return `no number is ${words.join(' and ')}${words.length > 1 ? ' at once' : ''} (${last.tag})`
  }

  /** Whether whatever meets all of this meets that demand, too. */
  imply({ numbers }: NumberDemand): boolean {
    return this.#needsOne && isWithin(this.#numbers, numbers)
  }
}
