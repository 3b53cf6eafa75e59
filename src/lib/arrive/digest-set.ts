import { hash } from 'node:crypto'

const wordsPerDigest = 4

/**
 * Which texts were seen, at 16 bytes each: 128 bits of their SHA-256. With 64 bits a collision (an
 * object that is never counted) would be within an attacker's reach; with 128 it is not.
 * An open-addressing table, because a Set of strings takes five times the memory, and a study may
 * have a million objects.
 */
export class DigestSet {
  #table = new Uint32Array(4 * wordsPerDigest)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** @returns false when it was there already */
  add(text: string): boolean {
    return this.#insert(digestOf(text))
  }

  has(text: string): boolean {
    const digest = digestOf(text)
    return this.#isAt(this.#slotOf(digest), digest)
  }

  toBase64(): string {
    const packed = new Uint32Array(this.#size * wordsPerDigest)
    let at = 0
    for (const digest of digestsIn(this.#table)) {
      packed.set(digest, at)
      at += wordsPerDigest
    }
    return Buffer.from(packed.buffer).toString('base64')
  }

  static fromBase64(text: string): DigestSet {
    const set = new DigestSet()
    const bytes = Buffer.from(text, 'base64')
    const step = wordsPerDigest * 4
    for (let at = 0; at + step <= bytes.length; at += step) {
      set.#insert(wordsOf(bytes, at))
    }
    return set
  }

  #insert(digest: Uint32Array): boolean {
    if ((this.#size + 1) * 4 * wordsPerDigest > this.#table.length * 3) this.#grow()
    const slot = this.#slotOf(digest)
    if (this.#isAt(slot, digest)) return false
    this.#table.set(digest, slot)
    this.#size++
    return true
  }

  /** Where the digest is, or the free slot where it would be. */
  #slotOf(digest: Uint32Array): number {
    const slots = this.#table.length / wordsPerDigest
    let slot = (digest[0] ?? 0) & (slots - 1)
    while (
      !isFree(this.#table, slot * wordsPerDigest) &&
      !this.#isAt(slot * wordsPerDigest, digest)
    ) {
      slot = (slot + 1) & (slots - 1)
    }
    return slot * wordsPerDigest
  }

  #isAt(at: number, digest: Uint32Array): boolean {
    for (let word = 0; word < wordsPerDigest; word++) {
      if (this.#table[at + word] !== digest[word]) return false
    }
    return true
  }

  #grow(): void {
    const before = this.#table
    this.#table = new Uint32Array(before.length * 2)
    for (const digest of digestsIn(before)) this.#table.set(digest, this.#slotOf(digest))
  }
}

function* digestsIn(table: Uint32Array): Generator<Uint32Array> {
  for (let at = 0; at < table.length; at += wordsPerDigest) {
    if (!isFree(table, at)) yield table.subarray(at, at + wordsPerDigest)
  }
}

function isFree(table: Uint32Array, at: number): boolean {
  for (let word = 0; word < wordsPerDigest; word++) if (table[at + word] !== 0) return false
  return true
}

/** Never all zero, which means a free slot. */
function digestOf(text: string): Uint32Array {
  const digest = wordsOf(hash('sha256', text, 'buffer'), 0)
  digest[3] = (digest[3] ?? 0) | 1
  return digest
}

function wordsOf(bytes: Buffer, at: number): Uint32Array {
  const words = new Uint32Array(wordsPerDigest)
  for (let word = 0; word < wordsPerDigest; word++) {
    words[word] = bytes.readUInt32LE(at + word * 4)
  }
  return words
}
