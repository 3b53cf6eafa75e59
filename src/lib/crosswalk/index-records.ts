import { tokenBytes } from './seal.ts'

const offsetBytes = 6
export const recordBytes = tokenBytes + offsetBytes
/** Of one page: what is read and opened for one question. */
const usualPage = 1024

/** What an index is made of: tokens, and where the line begins that each of them leads to. */
export class IndexRecords {
  #bytes: Buffer
  #length = 0

  constructor(bytes: Buffer = Buffer.alloc(0)) {
    this.#bytes = bytes
    this.#length = bytes.length
  }

  get count(): number {
    return this.#length / recordBytes
  }

  add(token: Buffer, offset: number): void {
    if (this.#length + recordBytes > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(1 << 16, this.#bytes.length * 2))
      this.#bytes.copy(grown, 0, 0, this.#length)
      this.#bytes = grown
    }
    token.copy(this.#bytes, this.#length, 0, tokenBytes)
    this.#bytes.writeUIntBE(offset, this.#length + tokenBytes, offsetBytes)
    this.#length += recordBytes
  }

  /** All of them, those whose tokens begin with the same bits in one page: tokens are spread evenly. */
  pages(): Buffer[] {
    const bits = Math.max(0, Math.ceil(Math.log2(this.count / usualPage)))
    const sizes = new Uint32Array(2 ** bits)
    for (let at = 0; at < this.#length; at += recordBytes) {
      const page = pageOf(this.#bytes, at, bits)
      sizes[page] = (sizes[page] ?? 0) + recordBytes
    }
    const pages = Array.from(sizes, (size) => Buffer.allocUnsafe(size))
    const filled = new Uint32Array(sizes.length)
    for (let at = 0; at < this.#length; at += recordBytes) {
      const page = pageOf(this.#bytes, at, bits)
      const to = filled[page] ?? 0
      this.#bytes.copy(pages[page] ?? Buffer.alloc(0), to, at, at + recordBytes)
      filled[page] = to + recordBytes
    }
    return pages
  }
}

/** Which of `2 ** bits` pages a token is in. */
export function pageOf(bytes: Buffer, at: number, bits: number): number {
  return bits === 0 ? 0 : bytes.readUInt32BE(at) >>> (32 - bits)
}

/** Where the lines begin that a token leads to. */
export function offsetsIn(page: Buffer, token: Buffer): number[] {
  const found: number[] = []
  for (let at = 0; at < page.length; at += recordBytes) {
    if (page.compare(token, 0, tokenBytes, at, at + tokenBytes) === 0) {
      found.push(page.readUIntBE(at + tokenBytes, offsetBytes))
    }
  }
  return found
}
