import { nearest } from '../text/index.ts'
import { keywordOf } from '../dicom/index.ts'
import {
  type JsonMember,
  type JsonNode,
  type JsonObject,
  memberOf,
  plainValue,
} from './json-source.ts'
import { nearestName } from './nearest-name.ts'
import type { Problems } from './problems.ts'
import { readExpected } from './read-expected.ts'
import { numberOf, shown, checkKeys } from './read-values.ts'
import {
  type Entry,
  type Operand,
  type Operator,
  type SemanticsName,
  operatorSpellings,
  operators,
} from './rule-definition.ts'
import { isUnfilled } from './field-names.ts'
import { isKnownName, isOperand, readOperand } from './operand-form.ts'

const groupKeys = ['all', 'any', 'not']
const entryKeys = ['tag', 'value', 'operator', 'negate', 'approxLevel', 'rule', 'notrule']
const defaultTolerance = 1e-4
/** What the original knows. In compat the others never pass, as they did there. */
const originalOperators = [
  'regexp',
  'contains',
  '==',
  '!=',
  '<',
  '>',
  'approx',
  'exist',
  'notexist',
]

/** Reads one entry of `rules`. */
export class EntryReader {
  readonly #problems: Problems
  readonly #semantics: SemanticsName

  constructor(problems: Problems, semantics: SemanticsName) {
    this.#problems = problems
    this.#semantics = semantics
  }

  /** Undefined where a mistake left nothing. */
  read(node: JsonNode): Entry | undefined {
    if (node.kind !== 'object') {
      this.#problems.mistake(
        node.offset,
        `a test is an object with "tag" and "value", not ${shown(node)}`,
      )
      return undefined
    }
    checkKeys(node, entryKeys, this.#problems, this.#semantics)
    const group = node.members.find(({ key }) => groupKeys.includes(key))
    if (group !== undefined) return this.#readGroup(node, group)
    return this.#readReference(node) ?? this.#readTest(node)
  }

  #readGroup(node: JsonObject, { key, offset, value }: JsonMember): Entry | undefined {
    if (this.#semantics === 'compat') {
      this.#problems.mistake(offset, `"${key}" is not known to compat; it needs strict semantics`)
      return undefined
    }
    const meant = node.members.filter((member) => [...groupKeys, ...entryKeys].includes(member.key))
    if (meant.length > 1) {
      this.#problems.mistake(node.offset, `"${key}" stands alone: split this into one entry each`)
    }
    // A single entry needs no array behind `not`: there is nothing to join.
    const items = key === 'not' && value.kind === 'object' ? [value] : itemsOf(value)
    if (items === undefined || items.length === 0) {
      const message = `"${key}" is an array of tests that is not empty, not ${shown(value)}`
      this.#problems.mistake(value.offset, message)
      return undefined
    }
    return {
      kind: 'group',
      mode: key === 'any' ? 'any' : 'all',
      negate: key === 'not',
      entries: items.flatMap((item) => this.read(item) ?? []),
    }
  }

  /** A mistake in strict, where compat does what the original did. */
  #unlessCompat(offset: number, message: string): void {
    this.#problems[this.#semantics === 'strict' ? 'mistake' : 'warning'](offset, message)
  }

  #readReference(node: JsonObject): Entry | undefined {
    const member = memberOf(node, 'rule') ?? memberOf(node, 'notrule')
    if (member === undefined) return undefined
    if (memberOf(node, 'tag') !== undefined || node.members.filter(isReference).length > 1) {
      this.#unlessCompat(
        node.offset,
        `"${member.key}" stands alone: split this into one entry each`,
      )
    }
    const { value } = member
    if (value.kind !== 'scalar' || typeof value.value !== 'string') {
      const message = `"${member.key}" is the id of a definition, not ${shown(value)}`
      this.#problems.mistake(value.offset, message)
      return undefined
    }
    const negate = member.key === 'notrule'
    return { kind: 'reference', id: value.value, negate, offset: value.offset }
  }

  #readTest(node: JsonObject): Entry | undefined {
    const tag = memberOf(node, 'tag')?.value
    if (tag === undefined) {
      const guess = node.members.find(({ key }) => nearest(key, ['tag', 'rule', 'notrule']))
      const meant = guess === undefined ? '' : `; is "${guess.key}" meant to be one of them?`
      this.#problems.mistake(node.offset, `a test without "tag", "rule" or "notrule"${meant}`)
      return undefined
    }
    if (tag.kind !== 'array') {
      const example = '["Modality"] or ["0x0008","0x0060"]'
      this.#problems.mistake(tag.offset, `"tag" is an array such as ${example}, not ${shown(tag)}`)
      return undefined
    }
    const operand = this.#readOperand(tag)
    const operator = this.#readOperator(node)
    const expected = readExpected(node, operator, this.#problems, this.#semantics)
    const negate = this.#readNegate(node)
    const tolerance = this.#readTolerance(node)
    if (operand === undefined) return { kind: 'skipped' }
    if (expected === undefined) return undefined
    const others = expected.kind === 'operand' ? [operand, expected.operand] : []
    if (others.some(({ kind }) => kind === 'types')) {
      this.#unlessCompat(node.offset, '"ClassifyType" is compared with texts only')
    }
    const value = memberOf(node, 'value')?.value
    const written = {
      tag: plainValue(tag),
      operator: operatorText(node) ?? 'regexp',
      value: value === undefined ? undefined : plainValue(value),
      line: this.#problems.lineOf(node.offset),
    }
    return {
      kind: 'test',
      operand,
      operator,
      expected,
      negate,
      tolerance,
      written,
      offset: node.offset,
    }
  }

  #readOperand(tag: JsonNode): Operand | undefined {
    const operand = readOperand(plainValue(tag) as unknown[], this.#semantics)
    if (!isOperand(operand)) {
      const skipped =
        this.#semantics === 'compat' ? ' (the test is skipped: it counts as passed)' : ''
      this.#unlessCompat(tag.offset, `${shown(tag)} is no tag: ${operand.problem}${skipped}`)
      return undefined
    }
    if (operand.kind === 'name') this.#checkName(operand.name, tag.offset)
    if (
      operand.kind === 'tag' &&
      /"\d+"/.test(shown(tag)) &&
      keywordOf(operand.tag) === undefined
    ) {
      this.#problems.warning(tag.offset, `${shown(tag)} is read as decimal; is "0x…" missing?`)
    }
    return operand
  }

  #checkName(name: string, offset: number): void {
    if (isUnfilled(name, this.#semantics)) {
      this.#problems.warning(offset, `"${name}" is never filled here: no object has a value for it`)
    } else if (!isKnownName(name)) {
      const guess = nearestName(name)
      const advice =
        guess === undefined ? 'use a DICOM keyword or ["0x….","0x…."]' : `did you mean "${guess}"?`
      this.#unlessCompat(offset, `no attribute is called "${name}"; ${advice}`)
    }
  }

  #readOperator(node: JsonObject): Operator | undefined {
    const member = memberOf(node, 'operator')
    if (member === undefined) return 'regexp'
    const text = operatorText(node)
    if (text === undefined) {
      this.#problems.mistake(
        member.value.offset,
        `"operator" is a text, not ${shown(member.value)}`,
      )
      return undefined
    }
    const known: readonly string[] =
      this.#semantics === 'compat'
        ? originalOperators
        : [...operators, ...Object.keys(operatorSpellings)]
    if (!known.includes(text)) {
      const guess = nearestOperator(text, known)
      const advice =
        guess === undefined ? `known are ${known.join(' ')}` : `did you mean "${guess}"?`
      const never = this.#semantics === 'compat' ? ' (the definition never holds)' : ''
      this.#unlessCompat(member.value.offset, `unknown operator "${text}"; ${advice}${never}`)
      return undefined
    }
    return operatorSpellings[text] ?? (text as Operator)
  }

  #readNegate(node: JsonObject): boolean {
    const member = memberOf(node, 'negate')?.value
    if (member === undefined) return false
    const value = plainValue(member)
    if (value === 'yes' || (value === true && this.#semantics === 'strict')) return true
    if (value !== 'no' && value !== false && value !== '') {
      const ignored = this.#semantics === 'compat' ? ' (it is ignored)' : ''
      this.#unlessCompat(
        member.offset,
        `"negate" is "yes" or left out, not ${shown(member)}${ignored}`,
      )
    }
    return false
  }

  #readTolerance(node: JsonObject): number {
    const member = memberOf(node, 'approxLevel')?.value
    if (member === undefined) return defaultTolerance
    const value = plainValue(member)
    const number =
      typeof value === 'number' ? value : typeof value === 'string' ? numberOf(value) : undefined
    if (number !== undefined && number >= 0) return number
    this.#problems.mistake(
      member.offset,
      `"approxLevel" is a number such as "0.0004", not ${shown(member)}`,
    )
    return defaultTolerance
  }
}

function itemsOf(value: JsonNode): readonly JsonNode[] | undefined {
  return value.kind === 'array' ? value.items : undefined
}

function isReference({ key }: { key: string }): boolean {
  return key === 'rule' || key === 'notrule'
}

function operatorText(node: JsonObject): string | undefined {
  const value = memberOf(node, 'operator')?.value
  return value?.kind === 'scalar' && typeof value.value === 'string' ? value.value : undefined
}

/** Signs are short: only words are compared letter by letter. */
function nearestOperator(text: string, known: readonly string[]): string | undefined {
  const signs: Readonly<Record<string, string>> = {
    '=': '==',
    '===': '==',
    '<>': '!=',
    '=<': '<=',
    '=>': '>=',
    '~': 'regexp',
    eq: '==',
  }
  const sign = signs[text.toLowerCase()]
  if (sign !== undefined) return sign
  return /^[a-z]{3}/i.test(text)
    ? nearest(
        text,
        known.filter((name) => /^[a-z]/.test(name)),
      )
    : undefined
}
