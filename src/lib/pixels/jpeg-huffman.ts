import type { BitReader } from './jpeg-bits.ts'
import { pixelTrouble } from './pixel-trouble.ts'

const longestCode = 16

/** A table of Huffman codes as DHT has it (ISO/IEC 10918-1 B.2.4.2): how many of each length, and the symbols in order. */
export class HuffmanTable {
  readonly counts: readonly number[]
  readonly symbols: Buffer
  /** For the next 16 bits: the symbol, and above it the length of its code; 0 where there is none. */
  readonly #bySixteen = new Uint16Array(1 << longestCode)
  readonly #codes = new Uint16Array(256)
  readonly #lengths = new Uint8Array(256)

  /** @throws FionaError E_PIXELS when there cannot be such codes */
  constructor(counts: readonly number[], symbols: Buffer) {
    this.counts = counts
    this.symbols = symbols
    let code = 0
    let at = 0
    for (let length = 1; length <= longestCode; length++) {
      for (let left = counts[length - 1] ?? 0; left > 0; left--, at++, code++) {
        const symbol = symbols[at]
        if (symbol === undefined || code >= 1 << length) {
          throw pixelTrouble('a Huffman table has more codes than there are')
        }
        const start = code << (longestCode - length)
        this.#bySixteen.fill((length << 8) | symbol, start, start + (1 << (longestCode - length)))
        this.#codes[symbol] = code
        this.#lengths[symbol] = length
      }
      code <<= 1
    }
  }

  /** @throws FionaError E_PIXELS for bits that are no code */
  read(reader: BitReader): number {
    const found = this.#bySixteen[reader.peek16()] ?? 0
    if (found === 0) throw pixelTrouble('a scan of JPEG has bits that are no code of its table')
    reader.skip(found >>> 8)
    return found & 0xff
  }

  /** 0 for a symbol without a code. */
  lengthOf(symbol: number): number {
    return this.#lengths[symbol] ?? 0
  }

  codeOf(symbol: number): number {
    return this.#codes[symbol] ?? 0
  }

  /** Has it a code for everything that was counted? */
  has(frequencies: ArrayLike<number>): boolean {
    for (let symbol = 0; symbol < 256; symbol++) {
      if ((frequencies[symbol] ?? 0) > 0 && this.lengthOf(symbol) === 0) return false
    }
    return true
  }
}

/** The best table for symbols that occur so often (K.2). No code is all ones: one symbol more is thought of. */
export function optimalTable(frequencies: ArrayLike<number>): HuffmanTable {
  const lengths = codeLengths(frequencies)
  const counts = new Array<number>(33).fill(0)
  for (const length of lengths) if (length > 0) counts[length] = (counts[length] ?? 0) + 1
  limitLengths(counts)
  // The symbol that was thought of has one of the longest codes.
  let longest = longestCode
  while (longest > 1 && counts[longest] === 0) longest -= 1
  counts[longest] = (counts[longest] ?? 0) - 1
  const symbols = [...lengths.keys()]
    .filter((symbol) => symbol < 256 && (lengths[symbol] ?? 0) > 0)
    .sort((a, b) => (lengths[a] ?? 0) - (lengths[b] ?? 0) || a - b)
  return new HuffmanTable(counts.slice(1, longestCode + 1), Buffer.from(symbols))
}

/** Figure K.1: the two rarest are joined until all are one. */
function codeLengths(frequencies: ArrayLike<number>): number[] {
  const weight = Array.from({ length: 257 }, (_, at) => (at === 256 ? 1 : (frequencies[at] ?? 0)))
  const lengths = new Array<number>(257).fill(0)
  const next = new Array<number>(257).fill(-1)
  const deepen = (first: number) => {
    let last = first
    for (let at = first; at !== -1; at = next[at] ?? -1) {
      lengths[at] = (lengths[at] ?? 0) + 1
      last = at
    }
    return last
  }
  for (;;) {
    const [first, second] = twoRarest(weight)
    if (second === -1) return lengths
    weight[first] = (weight[first] ?? 0) + (weight[second] ?? 0)
    weight[second] = 0
    const end = deepen(first)
    next[end] = second
    deepen(second)
  }
}

function twoRarest(weight: readonly number[]): [first: number, second: number] {
  let first = -1
  let second = -1
  weight.forEach((value, at) => {
    if (value === 0) return
    if (first === -1 || value <= (weight[first] ?? 0)) {
      second = first
      first = at
    } else if (second === -1 || value <= (weight[second] ?? 0)) second = at
  })
  return [first, second]
}

/** Figure K.3: codes longer than 16 bits move up, a pair at a time. */
function limitLengths(counts: number[]): void {
  const add = (at: number, some: number) => {
    counts[at] = (counts[at] ?? 0) + some
  }
  for (let length = 32; length > longestCode; length--) {
    while ((counts[length] ?? 0) > 0) {
      let shorter = length - 2
      while (shorter > 0 && counts[shorter] === 0) shorter -= 1
      add(length, -2)
      add(length - 1, 1)
      add(shorter + 1, 2)
      add(shorter, -1)
    }
  }
}
