import { readTagPath, type TagPath } from './tag-path.ts'

/** An attribute as people write it in rules and conditions. `key` is the same for the same one. */
export type TagForm =
  | { readonly kind: 'name'; readonly key: string; readonly name: string }
  | {
      readonly kind: 'tag'
      readonly key: string
      readonly tag: number
      readonly index: number | undefined
    }
  /** `element` is what of it stays the same, whatever block the creator has. */
  | {
      readonly kind: 'private'
      readonly key: string
      readonly group: number
      readonly creator: string
      readonly element: number
    }
  | TagPath

/** Why something is no tag. */
export interface NoTag {
  readonly problem: string
}

/**
 * The forms of a tag: `[name]`, `[group, element]`, `[group, element, index]`, and, where not only those of the original
 * FIONA are meant, `[group, creator, element]` of a private one and `[sequence.name]` of one in the items of a sequence.
 * Numbers are written as Python's `int(text, 0)` reads them: `0x0008`, `0o10`, or decimal without leading zeros.
 */
export function readTagForm(parts: readonly unknown[], isOriginal = false): TagForm | NoTag {
  const [first, second, third] = parts
  // The original skips a test whose tag is made so.
  const ofCreator = isOriginal ? undefined : privateForm(parts)
  if (ofCreator !== undefined) return ofCreator
  if (parts.length === 1) {
    if (typeof first !== 'string' || first === '') return { problem: 'a name is a text' }
    if (!isOriginal && first.includes('.')) return readTagPath(first)
    return { kind: 'name', key: `name ${first}`, name: first }
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

function privateForm(parts: readonly unknown[]): TagForm | undefined {
  const [first, creator, third] = parts
  if (parts.length !== 3 || typeof creator !== 'string' || creator.trim() === '') return undefined
  const group = readNumber(first)
  const element = readNumber(third)
  if (group === undefined || group > 0xffff || group % 2 === 0) return undefined
  if (element === undefined || element > 0xff || readNumber(creator) !== undefined) return undefined
  const key = `private ${group.toString(16)} ${element.toString(16)} ${creator}`
  return { kind: 'private', key, group, creator: creator.trim(), element }
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
