import {
  type GraphicSet,
  type Repertoire,
  allGraphicSets,
  isReset,
  repertoireOf,
  wholeDecoders,
} from './character-sets.ts'
import { usesCharacterSet } from './value-representation.ts'

const escape = 0x1b
type Extensible = Extract<Repertoire, { whole?: undefined }>

/**
 * Text of a value, backslashes between its values included. VRs that Specific Character Set does
 * not govern, and bytes outside of the declared sets, are read as ISO 8859-1: nothing is lost.
 */
export function decodeText(bytes: Buffer, vr: string, characterSets: readonly string[]): string {
  if (!usesCharacterSet(vr) || isPlain(bytes)) return bytes.toString('latin1')
  const repertoire = repertoireOf(characterSets)
  if (repertoire.whole !== undefined) return wholeDecoders[repertoire.whole](bytes)
  return decodeExtended(bytes, vr, repertoire)
}

function isPlain(bytes: Buffer): boolean {
  // By index: the iterator of a typed array is several times slower.
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    if (byte >= 0x80 || byte === escape) return false
  }
  return true
}

/** ISO 2022 (PS3.5 6.1.2.5): which character a byte is depends on the escapes before it. */
function decodeExtended(bytes: Buffer, vr: string, { initial, declared }: Extensible): string {
  let { G0, G1 } = initial
  const parts: string[] = []
  for (let at = 0; at < bytes.length;) {
    const byte = bytes[at] ?? 0
    const selected = byte === escape ? setSelectedAt(bytes, at + 1) : undefined
    if (selected !== undefined) {
      if (selected.side === 'G0') G0 = selected
      else G1 = selected
      at += 1 + selected.escape.length
      continue
    }
    const side = byte < 0x80 ? 'G0' : 'G1'
    // Korean and Chinese texts lack the escape after a delimiter more often than not.
    const set = side === 'G0' ? G0 : (G1 ?? declared.find((candidate) => candidate.side === 'G1'))
    if (set?.bytesPerCharacter === 2 && (byte & 0x7f) > 0x20) {
      const end = endOfPairs(bytes, at)
      // One byte alone in a set of pairs is no character of it.
      parts.push(end > at ? set.decode(bytes.subarray(at, end)) : loneByte(byte))
      at = end > at ? end : at + 1
      continue
    }
    const end = endOfRun(bytes, at, vr)
    const run = bytes.subarray(at, end)
    parts.push(side === 'G0' || set === undefined ? run.toString('latin1') : set.decode(run))
    if (isReset(bytes[end - 1] ?? 0, vr)) ({ G0, G1 } = initial)
    at = end
  }
  return parts.join('')
}

function setSelectedAt(bytes: Buffer, at: number): GraphicSet | undefined {
  const text = bytes.toString('latin1', at, at + 3)
  return allGraphicSets.find((set) => text.startsWith(set.escape))
}

function loneByte(byte: number): string {
  return byte < 0x80 ? String.fromCharCode(byte) : '\ufffd'
}

/** Behind the last whole pair of bytes of the same side, none of them a control character. */
function endOfPairs(bytes: Buffer, start: number): number {
  const high = (bytes[start] ?? 0) & 0x80
  const belongs = (byte: number | undefined) =>
    byte !== undefined && (byte & 0x80) === high && (byte & 0x7f) > 0x20
  let end = start
  while (belongs(bytes[end]) && belongs(bytes[end + 1])) end += 2
  return end
}

/** Behind bytes of the same side, at most up to and including one that resets the sets. */
function endOfRun(bytes: Buffer, start: number, vr: string): number {
  const high = (bytes[start] ?? 0) & 0x80
  let end = start
  do {
    const byte = bytes[end] ?? 0
    end += 1
    // After a space the set of pairs goes on, which `decodeExtended` has to look at.
    if (isReset(byte, vr) || byte <= 0x20) break
  } while (end < bytes.length && bytes[end] !== escape && ((bytes[end] ?? 0) & 0x80) === high)
  return end
}
