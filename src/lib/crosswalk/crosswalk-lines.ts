import type { Seals } from './seal.ts'
import type { SealedLine } from './seal.ts'
import { type Entry, parseEntry } from './link.ts'

/** What one line of a crosswalk is. */
export type Line =
  /** Sealed with the first key: `id` is the one it would have if it were written now. */
  | { readonly is: 'sealed'; readonly id: Buffer; readonly open: () => Entry | undefined }
  /** Sealed with another key that is at hand. */
  | { readonly is: 'otherKey'; readonly open: () => Entry | undefined }
  /** From before lines were sealed. */
  | { readonly is: 'plain'; readonly entry: Entry }
  | { readonly is: 'unknownKey'; readonly key: string }
  /** Whoever wrote it died in it, or the disk was full: it never counted. */
  | { readonly is: 'torn' }
  /** It was whole once. */
  | { readonly is: 'damaged' }

/** @returns undefined for an empty line */
export function lineOf(text: string, seals: Seals): Line | undefined {
  if (text === '') return undefined
  let value: (Partial<Record<keyof SealedLine, unknown>> & { kind?: unknown }) | null
  try {
    value = JSON.parse(text) as typeof value
  } catch {
    // A line that was cut off lacks its end; one that has it was changed later, or runs together with another.
    return { is: text.endsWith('}') ? 'damaged' : 'torn' }
  }
  if (typeof value !== 'object' || value === null) return { is: 'torn' }
  const { v, id, key, sealed } = value
  if (v === 2 && typeof id === 'string' && typeof key === 'string' && typeof sealed === 'string') {
    const seal = seals.of(key)
    if (seal === undefined) return { is: 'unknownKey', key }
    const open = () => seal.open({ v, id, key, sealed })
    return seal === seals.first
      ? { is: 'sealed', id: Buffer.from(id, 'base64url'), open }
      : { is: 'otherKey', open }
  }
  const entry = parseEntry(text)
  return entry === undefined ? { is: 'damaged' } : { is: 'plain', entry }
}
