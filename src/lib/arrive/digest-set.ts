import { hash } from 'node:crypto'

const wordsPerDigest = 4
const bytesPerDigest = 4 * wordsPerDigest
/** From here on a table is worth what it takes besides the digests. */
const mostInText = 8
const digestsPerPiece = 3 << 10

/**
 * The digest in hand, as words and as bytes. Whoever needs one sets it and is done with it before anything else
 * runs: arrays of their own for millions of objects would keep the garbage collector busy.
 */
const inHand = new Uint32Array(wordsPerDigest)
const inHandBytes = Buffer.from(inHand.buffer)

/**
 * Which texts were seen, at 16 bytes each: 128 bits of their SHA-256. With 64 bits a collision (an
 * object that is never counted) would be within an attacker's reach; with 128 it is not.
 * An open-addressing table, because a Set of strings takes five times the memory, and a study may
 * have a million objects. Few digests are kept as the bytes of a string: there may be a hundred thousand
 * studies, and a typed array takes 200 bytes before it holds anything.
 */
export class DigestSet {
  #few = ''
  #table: Uint32Array | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  /** @returns false when it was there already */
  add(text: string): boolean {
    takeInHand(text)
    return this.#insert()
  }

  has(text: string): boolean {
    takeInHand(text)
    return this.#has()
  }

  /** All digests, base64, in pieces of at most 64 KiB. */
  *pieces(): Generator<string> {
    if (this.#table === undefined) {
      if (this.#few !== '') yield Buffer.from(this.#few, 'latin1').toString('base64')
      return
    }
    const piece = new Uint32Array(digestsPerPiece * wordsPerDigest)
    const bytes = Buffer.from(piece.buffer)
    let at = 0
    for (const digest of digestsIn(this.#table)) {
      piece.set(digest, at)
      at += wordsPerDigest
      if (at < piece.length) continue
      yield bytes.toString('base64')
      at = 0
    }
    if (at > 0) yield bytes.toString('base64', 0, at * piece.BYTES_PER_ELEMENT)
  }

  addPiece(base64: string): void {
    const bytes = Buffer.from(base64, 'base64')
    for (let at = 0; at + bytesPerDigest <= bytes.length; at += bytesPerDigest) {
      bytes.copy(inHandBytes, 0, at, at + bytesPerDigest)
      this.#insert()
    }
  }

  #has(): boolean {
    const table = this.#table
    return table === undefined ? isInText(this.#few) : isAt(table, slotOf(table, inHand), inHand)
  }

  #insert(): boolean {
    if (this.#has()) return false
    if (this.#table === undefined && this.#size < mostInText) {
      // By way of bytes: a string that is put together from others holds on to them.
      const bytes = Buffer.from(this.#few + inHandBytes.toString('latin1'), 'latin1')
      this.#few = bytes.toString('latin1')
    } else {
      let table = this.#table ?? tableOf(this.#few)
      if ((this.#size + 1) * 4 * wordsPerDigest > table.length * 3) table = grown(table)
      table.set(inHand, slotOf(table, inHand))
      this.#table = table
      this.#few = ''
    }
    this.#size++
    return true
  }
}

function takeInHand(text: string): void {
  inHandBytes.write(hash('sha256', text, 'binary'), 0, bytesPerDigest, 'latin1')
  // Never all zero, which means a free slot.
  inHand[3] = (inHand[3] ?? 0) | 1
}

function isInText(few: string): boolean {
  for (let start = 0; start < few.length; start += bytesPerDigest) {
    let same = 0
    while (same < bytesPerDigest && few.charCodeAt(start + same) === inHandBytes[same]) same++
    if (same === bytesPerDigest) return true
  }
  return false
}

/** Where the digest is, or the free slot where it would be. */
function slotOf(table: Uint32Array, digest: Uint32Array): number {
  const slots = table.length / wordsPerDigest
  let slot = (digest[0] ?? 0) & (slots - 1)
  while (!isFree(table, slot * wordsPerDigest) && !isAt(table, slot * wordsPerDigest, digest)) {
    slot = (slot + 1) & (slots - 1)
  }
  return slot * wordsPerDigest
}

function isAt(table: Uint32Array, at: number, digest: Uint32Array): boolean {
  for (let word = 0; word < wordsPerDigest; word++) {
    if (table[at + word] !== digest[word]) return false
  }
  return true
}

function isFree(table: Uint32Array, at: number): boolean {
  for (let word = 0; word < wordsPerDigest; word++) if (table[at + word] !== 0) return false
  return true
}

function tableOf(few: string): Uint32Array {
  const table = new Uint32Array(4 * mostInText * wordsPerDigest)
  const bytes = Buffer.from(few, 'latin1')
  const digest = new Uint32Array(wordsPerDigest)
  for (let at = 0; at < bytes.length; at += bytesPerDigest) {
    bytes.copy(Buffer.from(digest.buffer), 0, at, at + bytesPerDigest)
    table.set(digest, slotOf(table, digest))
  }
  return table
}

function grown(before: Uint32Array): Uint32Array {
  const table = new Uint32Array(before.length * 2)
  for (const digest of digestsIn(before)) table.set(digest, slotOf(table, digest))
  return table
}

/** Each is good until the next. */
function* digestsIn(table: Uint32Array): Generator<Uint32Array> {
  const digest = new Uint32Array(wordsPerDigest)
  for (let at = 0; at < table.length; at += wordsPerDigest) {
    if (isFree(table, at)) continue
    for (let word = 0; word < wordsPerDigest; word++) digest[word] = table[at + word] ?? 0
    yield digest
  }
}
