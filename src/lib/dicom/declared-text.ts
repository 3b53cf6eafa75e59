import { isAscii } from 'node:buffer'
import { repertoireOf } from './character-sets.ts'
import { decodeText } from './decode-text.ts'
import { encodeText } from './encode-text.ts'
import { usesCharacterSet } from './value-representation.ts'

const escape = 0x1b

/**
 * Are these bytes characters of the declared sets and nothing else (PS3.5 6.1.2)? What is not is read by each receiver in
 * its own way. Without a declaration, and in VRs that it does not govern, that is ASCII.
 */
export function isDeclaredText(
  bytes: Buffer,
  vr: string,
  characterSets: readonly string[],
): boolean {
  const hasEscape = bytes.includes(escape)
  if (isAscii(bytes) && !hasEscape) return true
  if (!usesCharacterSet(vr)) return false
  const text = decodeText(bytes, vr, characterSets)
  if (text.includes('\ufffd')) return false
  if (repertoireOf(characterSets).whole !== undefined) return !hasEscape
  // Characters of sets that are not declared were read all the same; they cannot be written.
  return encodeText(text, vr, characterSets) !== undefined
}
