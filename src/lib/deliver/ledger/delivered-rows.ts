import { packUid, uidBytes, unpackUid } from './packed-uid.ts'

/** What is kept of an object, in numbers. */
export interface Row {
  /** Of its folder, and of its SOP class; 0 for none. */
  readonly folder: number
  readonly sopClass: number
  readonly size: number
  readonly mtimeMs: number
  /** Hexadecimal. */
  readonly sha256: string
  /** ms since 1970. */
  readonly time: number
  /** ms since 1970; NaN where it is not. */
  readonly committed: number
}

/** A row: folder and UID, which are its key; then the rest. */
const at = {
  folder: 0,
  uid: 4,
  sopClass: 36,
  size: 38,
  mtimeMs: 46,
  time: 54,
  committed: 62,
  sum: 70,
}
const keyBytes = at.uid + uidBytes
const rowBytes = at.sum + 32

/** Rows lie in blocks, so that what is there is not copied when they become more. */
const blockRows = 512

/**
 * Rows of one width, found by folder and UID through a table of their places (open addressing): some 110 bytes an object, whatever
 * its UID is, where a Map with a text for each takes twice as many.
 */
export class DeliveredRows {
  readonly #blocks: Buffer[] = []
  readonly #free: number[] = []
  /** Rows that were ever used. */
  #used = 0
  /** A place and one; 0: nothing, and nothing behind it. At most half of it is used. */
  #table = new Uint32Array(16)
  readonly #key = Buffer.alloc(keyBytes)

  get size(): number {
    return this.#used - this.#free.length
  }

  has(folder: number, uid: string): boolean {
    return this.#table[this.#slotOf(folder, uid)] !== 0
  }

  get(folder: number, uid: string): Row | undefined {
    const place = this.#table[this.#slotOf(folder, uid)] ?? 0
    return place === 0 ? undefined : this.#read(place - 1)
  }

  set(uid: string, row: Row): void {
    const slot = this.#slotOf(row.folder, uid)
    const known = this.#table[slot] ?? 0
    const place = known === 0 ? this.#newPlace() : known - 1
    const { block, from } = this.#find(place)
    this.#key.copy(block, from)
    block.writeUInt16LE(row.sopClass, from + at.sopClass)
    block.writeDoubleLE(row.size, from + at.size)
    block.writeDoubleLE(row.mtimeMs, from + at.mtimeMs)
    block.writeDoubleLE(row.time, from + at.time)
    block.writeDoubleLE(row.committed, from + at.committed)
    block.write(row.sha256, from + at.sum, 'hex')
    if (known !== 0) return
    this.#table[slot] = place + 1
    if (2 * this.size > this.#table.length) this.#rehash(2 * this.#table.length)
  }

  delete(folder: number, uid: string): boolean {
    const slot = this.#slotOf(folder, uid)
    const known = this.#table[slot] ?? 0
    if (known === 0) return false
    this.#free.push(known - 1)
    this.#close(slot)
    return true
  }

  /** Each with its UID. */
  *[Symbol.iterator](): IterableIterator<[uid: string, row: Row]> {
    const free = new Set(this.#free)
    for (let place = 0; place < this.#used; place++) {
      if (free.has(place)) continue
      const { block, from } = this.#find(place)
      yield [unpackUid(block, from + at.uid), this.#read(place)]
    }
  }

  #read(place: number): Row {
    const { block, from } = this.#find(place)
    return {
      folder: block.readUInt32LE(from + at.folder),
      sopClass: block.readUInt16LE(from + at.sopClass),
      size: block.readDoubleLE(from + at.size),
      mtimeMs: block.readDoubleLE(from + at.mtimeMs),
      sha256: block.toString('hex', from + at.sum, from + rowBytes),
      time: block.readDoubleLE(from + at.time),
      committed: block.readDoubleLE(from + at.committed),
    }
  }

  /** Where it stands in the table, or would. Leaves the key of it in `#key`. */
  #slotOf(folder: number, uid: string): number {
    this.#key.writeUInt32LE(folder, at.folder)
    packUid(uid, this.#key, at.uid)
    const mask = this.#table.length - 1
    let slot = hashOf(this.#key, 0) & mask
    for (let place; (place = this.#table[slot] ?? 0) !== 0; slot = (slot + 1) & mask) {
      const { block, from } = this.#find(place - 1)
      if (this.#key.compare(block, from, from + keyBytes) === 0) break
    }
    return slot
  }

  /** What stands behind an empty slot moves up, so that it is still found. */
  #close(slot: number): void {
    const mask = this.#table.length - 1
    let empty = slot
    this.#table[empty] = 0
    for (let next = (empty + 1) & mask; ; next = (next + 1) & mask) {
      const known = this.#table[next] ?? 0
      if (known === 0) return
      const { block, from } = this.#find(known - 1)
      const home = hashOf(block, from) & mask
      const isReachable = ((next - home) & mask) < ((next - empty) & mask)
      if (isReachable) continue
      this.#table[empty] = known
      this.#table[next] = 0
      empty = next
    }
  }

  #rehash(length: number): void {
    const before = this.#table
    this.#table = new Uint32Array(length)
    for (const known of before) {
      if (known === 0) continue
      const { block, from } = this.#find(known - 1)
      let slot = hashOf(block, from) & (length - 1)
      while (this.#table[slot] !== 0) slot = (slot + 1) & (length - 1)
      this.#table[slot] = known
    }
  }

  #newPlace(): number {
    const free = this.#free.pop()
    if (free !== undefined) return free
    if (this.#used === this.#blocks.length * blockRows) {
      this.#blocks.push(Buffer.alloc(blockRows * rowBytes))
    }
    return this.#used++
  }

  #find(place: number): { readonly block: Buffer; readonly from: number } {
    const block = this.#blocks[Math.floor(place / blockRows)]
    if (block === undefined) throw new RangeError(`there is no row ${String(place)}`)
    return { block, from: (place % blockRows) * rowBytes }
  }
}

/** FNV-1a of the key, four bytes at once, and mixed, as only its last bits are used. */
function hashOf(bytes: Buffer, from: number): number {
  let hash = 0x811c9dc5
  for (let next = from; next < from + keyBytes; next += 4) {
    hash = Math.imul(hash ^ bytes.readInt32LE(next), 0x01000193)
    hash ^= hash >>> 15
  }
  return (hash ^ (hash >>> 13)) >>> 0
}
