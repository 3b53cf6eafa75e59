import { type GraphicSet, type Repertoire, isReset, repertoireOf } from './character-sets.ts'
import { reverseOf, reverseOfWhole } from './reverse-tables.ts'
import { usesCharacterSet } from './value-representation.ts'

type Extensible = Extract<Repertoire, { whole?: undefined }>

/**
 * The bytes of a text, unpadded; undefined when the declared character sets cannot write it, or
 * when the VR allows ASCII only.
 */
export function encodeText(
  text: string,
  vr: string,
  characterSets: readonly string[],
): Buffer | undefined {
  if (isAscii(text)) return text.includes('\x1b') ? undefined : Buffer.from(text, 'latin1')
  if (!usesCharacterSet(vr) || text.includes('\x1b') || /\p{Surrogate}/u.test(text))
    return undefined
  const repertoire = repertoireOf(characterSets)
  if (repertoire.whole === undefined) return encodeExtended(text, vr, repertoire)
  if (repertoire.whole === 'utf-8') return Buffer.from(text, 'utf8')
  const table = reverseOfWhole(repertoire.whole)
  const parts: Buffer[] = []
  for (const character of text) {
    const bytes = character <= '\x7f' ? Buffer.from(character, 'latin1') : table(character)
    if (bytes === undefined) return undefined
    parts.push(bytes)
  }
  return Buffer.concat(parts)
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0x7f) return false
  return true
}

/** ISO 2022 (PS3.5 6.1.2.5): the initial sets are restored before each delimiter and at the end. */
function encodeExtended(text: string, vr: string, repertoire: Extensible): Buffer | undefined {
  const { initial, declared, extended } = repertoire
  let { G0, G1 } = initial
  const parts: Buffer[] = []
  const restoreG0 = () => {
    if (G0 !== initial.G0) parts.push(escapeTo(initial.G0))
    G0 = initial.G0
  }
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    if (code < 0x80) {
      restoreG0()
      parts.push(Buffer.from(character, 'latin1'))
      if (isReset(code, vr)) G1 = initial.G1
      continue
    }
    let set = [G1, G0].find((active) => active !== undefined && reverseOf(active).has(character))
    if (set === undefined) {
      set = extended ? declared.find((other) => reverseOf(other).has(character)) : undefined
      if (set === undefined) return undefined
      parts.push(escapeTo(set))
      if (set.side === 'G0') G0 = set
      else G1 = set
    }
    const bytes = reverseOf(set).get(character)
    if (bytes === undefined) return undefined
    parts.push(bytes)
  }
  restoreG0()
  return Buffer.concat(parts)
}

function escapeTo(set: GraphicSet): Buffer {
  return Buffer.from(`\x1b${set.escape}`, 'latin1')
}
