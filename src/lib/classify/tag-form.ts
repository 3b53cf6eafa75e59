import { tagOf } from '../dicom/index.ts'
import { isFieldName } from './field-names.ts'
import type { Operand, SemanticsName } from './rule-definition.ts'
import { readTagPath } from './tag-path.ts'

/** Why something is no tag. */
export interface NoTag {
  readonly problem: string
}

/**
 * The forms of a tag: `[name]`, `[group, element]`, `[group, element, index]`, and, in strict,
 * `[group, creator, element]` of a private one and `[sequence.name]` of one in the items of a sequence. Numbers are
 * written as Python's `int(text, 0)` reads them: `0x0008`, `0o10`, or decimal without leading zeros.
 */
export function readTagForm(parts: readonly unknown[], semantics: SemanticsName): Operand | NoTag {
  const [first, second, third] = parts
  // The original skips a test whose tag is made so.
  const ofCreator = semantics === 'strict' ? privateOperand(parts) : undefined
  if (ofCreator !== undefined) return ofCreator
  if (parts.length === 1) {
    if (typeof first !== 'string' || first === '') return { problem: 'a name is a text' }
    if (semantics === 'strict' && first.includes('.')) return readTagPath(first)
    return nameOperand(first)
  }
  if (parts.length !== 2 && parts.length !== 3) {
    return { problem: `a tag has 1 to 3 parts, not ${String(parts.length)}` }
  }
  const group = readNumber(first)
  const element = readNumber(second)
  const index = parts.length === 3 ? readNumber(third) : undefined
  for (const [part, number, most] of [
    [first, group, 0xffff],
    [second, element, 0xffff],
    [third, index ?? 0, 0xffffff],
  ] as const) {
    if (number === undefined || number > most) {
      return {
        problem: `${JSON.stringify(part)} is no number from 0 to 0x${most.toString(16)}${zeroHint(part)}`,
      }
    }
  }
  if (parts.length === 3 && index === undefined) {
    return { problem: `${JSON.stringify(third)} is no index${zeroHint(third)}` }
  }
  const tag = (group ?? 0) * 0x10000 + (element ?? 0)
  const key = `${tag.toString(16)}${index === undefined ? '' : `[${String(index)}]`}`
  return { kind: 'tag', key, tag, index }
}

function privateOperand(parts: readonly unknown[]): Operand | undefined {
  const [first, creator, third] = parts
  if (parts.length !== 3 || typeof creator !== 'string' || creator.trim() === '') return undefined
  const group = readNumber(first)
  const element = readNumber(third)
  if (group === undefined || group > 0xffff || group % 2 === 0) return undefined
  if (element === undefined || element > 0xff || readNumber(creator) !== undefined) return undefined
  const key = `private ${group.toString(16)} ${element.toString(16)} ${creator}`
  return { kind: 'private', key, group, creator: creator.trim(), element }
}

export function isOperand(read: Operand | NoTag): read is Operand {
  return 'kind' in read
}

function nameOperand(name: string): Operand {
  if (name === 'ClassifyType') return { kind: 'types', key: name }
  return { kind: 'name', key: `name ${name}`, name }
}

/** Whether a name can ever have a value. */
export function isKnownName(name: string): boolean {
  return tagOf(name) !== undefined || isFieldName(name)
}

function readNumber(part: unknown): number | undefined {
  if (typeof part === 'number') return Number.isInteger(part) && part >= 0 ? part : undefined
  if (typeof part !== 'string') return undefined
  const text = part.trim().toLowerCase()
  return /^(?:0x[0-9a-f]+|0o[0-7]+|0b[01]+|0+|[1-9]\d*)$/.test(text) ? Number(text) : undefined
}

function zeroHint(part: unknown): string {
  return typeof part === 'string' && /^0\d*[1-9a-fA-F]/.test(part) && !/^0[xob]/i.test(part)
    ? `; did you mean "0x${part}"?`
    : ''
}
