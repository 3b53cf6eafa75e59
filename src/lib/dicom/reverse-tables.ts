import { type GraphicSet, type WholeEncoding, wholeDecoders } from './character-sets.ts'

/** From characters beyond ASCII to bytes. Made when first needed by decoding all there is. */
type ReverseTable = ReadonlyMap<string, Buffer>

const tables = new Map<GraphicSet, ReverseTable>()

export function reverseOf(set: GraphicSet): ReverseTable {
  let table = tables.get(set)
  if (table === undefined) {
    table = makeReverse(codesOf(set), (bytes) => set.decode(bytes))
    tables.set(set, table)
  }
  return table
}

function* codesOf({ side, bytesPerCharacter }: GraphicSet): Iterable<Buffer> {
  const high = side === 'G1' ? 0x80 : 0
  if (bytesPerCharacter === 1) {
    for (let code = 0x20 + high; code < 0x80 + high; code += 1) yield Buffer.of(code)
    return
  }
  for (let row = 0x21; row < 0x7f; row += 1) {
    for (let cell = 0x21; cell < 0x7f; cell += 1) yield Buffer.of(row + high, cell + high)
  }
}

function makeReverse(
  codes: Iterable<Buffer>,
  decode: (bytes: Buffer) => string,
): Map<string, Buffer> {
  const table = new Map<string, Buffer>()
  for (const code of codes) {
    const character = decode(code)
    const known = character.includes('\ufffd') || [...character].length !== 1 || character <= '\x7f'
    if (!known && !table.has(character)) table.set(character, code)
  }
  for (const [other, character] of otherNames) {
    const code = table.get(character)
    if (code !== undefined && !table.has(other)) table.set(other, code)
  }
  return table
}

/** JIS characters that Unicode tables disagree about: wave dash, double vertical line, minus, cent, pound, not. */
const otherNames = [
  ['\u301c', '\uff5e'],
  ['\u2016', '\u2225'],
  ['\u2212', '\uff0d'],
  ['\u00a2', '\uffe0'],
  ['\u00a3', '\uffe1'],
  ['\u00ac', '\uffe2'],
] as const

const wholeTables = new Map<WholeEncoding, ReverseTable>()

/** Bytes of a character beyond ASCII in GBK or GB18030. */
export function reverseOfWhole(
  encoding: 'gbk' | 'gb18030',
): (character: string) => Buffer | undefined {
  let table = wholeTables.get(encoding)
  if (table === undefined) {
    const codes = encoding === 'gbk' ? gbkCodes() : gb18030Codes()
    table = makeReverse(codes, wholeDecoders[encoding])
    wholeTables.set(encoding, table)
  }
  const known = table
  return (character) => {
    const code = character.codePointAt(0) ?? 0
    // GB18030 counts the supplementary planes through from 0x90308130.
    if (encoding === 'gb18030' && code >= 0x10000) return fourBytes(189_000 + code - 0x10000)
    return known.get(character)
  }
}

function* gbkCodes(): Iterable<Buffer> {
  for (let lead = 0x81; lead < 0xff; lead += 1) {
    for (let trail = 0x40; trail < 0xff; trail += 1)
      if (trail !== 0x7f) yield Buffer.of(lead, trail)
  }
}

function* gb18030Codes(): Iterable<Buffer> {
  yield* gbkCodes()
  for (let index = 0; index < 39_420; index += 1) yield fourBytes(index)
}

/** The four-byte codes of GB18030 in order: digits of base 126, 10, 126, 10 from 0x81308130. */
function fourBytes(index: number): Buffer {
  return Buffer.of(
    0x81 + Math.floor(index / 12_600),
    0x30 + (Math.floor(index / 1260) % 10),
    0x81 + (Math.floor(index / 10) % 126),
    0x30 + (index % 10),
  )
}
