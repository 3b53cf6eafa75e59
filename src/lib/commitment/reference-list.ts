import { setImmediate as turn } from 'node:timers/promises'
import { isUid } from '../uid/index.ts'
import type { Reference } from '../transaction/index.ts'

const blockBytes = 64 << 10
/** Two UIDs, the blank between them and the end of the line. */
const longestLine = 130
/** Others get their turn while a long list is gone through. */
const linesInOneTurn = 500

/**
 * References as text, a line each (`SOP class, blank, SOP instance`), as they are in the file of a request. A
 * hundred thousand of them as objects take 30 MB wherever they are held, and make the heap grow by more; so
 * they take what their UIDs do.
 */
export class ReferenceList implements Iterable<Reference> {
  readonly #blocks: Buffer[] = []
  /** Bytes used of the last block. */
  #used = blockBytes
  /** Where each begins: its block, and from bit 16 down the place in it. */
  readonly #places: number[] = []

  static from(references: Iterable<Reference>): ReferenceList {
    const list = new ReferenceList()
    for (const reference of references) list.add(reference)
    return list
  }

  get length(): number {
    return this.#places.length
  }

  add({ SOPClassUID, SOPInstanceUID }: Reference): void {
    if (!isUid(SOPClassUID) || !isUid(SOPInstanceUID)) throw new TypeError('no reference')
    if (this.#used + longestLine > blockBytes) {
      this.#close()
      this.#blocks.push(Buffer.allocUnsafeSlow(blockBytes))
      this.#used = 0
    }
    const at = this.#blocks.length - 1
    const line = `${SOPClassUID} ${SOPInstanceUID}\n`
    this.#places.push((at << 16) | this.#used)
    this.#used += this.#blocks[at]?.write(line, this.#used, 'latin1') ?? 0
  }

  /** Borrowed, and good until the next `add`. */
  *lines(): Generator<Buffer, void, undefined> {
    const last = this.#blocks.length - 1
    for (const [at, block] of this.#blocks.entries()) {
      yield at < last ? block : block.subarray(0, this.#used)
    }
  }

  at(index: number): Reference {
    const place = this.#places[index]
    if (place === undefined) throw new RangeError('no such reference')
    const block = this.#blocks[place >>> 16] ?? Buffer.alloc(0)
    const start = place & 0xffff
    const blank = block.indexOf(' ', start)
    // Each from the bytes: a slice of the line's string would hold all of it.
    return {
      SOPClassUID: block.toString('latin1', start, blank),
      SOPInstanceUID: block.toString('latin1', blank + 1, block.indexOf('\n', blank)),
    }
  }

  *[Symbol.iterator](): Generator<Reference, void, undefined> {
    for (let index = 0; index < this.length; index++) yield this.at(index)
  }

  /** What is behind the last line of a full block is nobody's. */
  #close(): void {
    const last = this.#blocks.length - 1
    const block = this.#blocks[last]
    if (block !== undefined) this.#blocks[last] = block.subarray(0, this.#used)
  }
}

/** Which references of a list are still looked for, by their SOP Instance UID. */
export class Wanted {
  /** The last reference to each instance. */
  readonly #heads = new Map<string, number>()
  /** The one before it to the same instance, or -1: a peer may name an object a hundred thousand times. */
  readonly #before: Int32Array

  private constructor(length: number) {
    this.#before = new Int32Array(length)
  }

  static async of(list: ReferenceList): Promise<Wanted> {
    const wanted = new Wanted(list.length)
    for (let index = 0; index < list.length; index++) {
      if (index % linesInOneTurn === 0) await turn()
      wanted.#put(list.at(index).SOPInstanceUID, index)
    }
    return wanted
  }

  /** Instances. */
  get size(): number {
    return this.#heads.size
  }

  has(SOPInstanceUID: string): boolean {
    return this.#heads.has(SOPInstanceUID)
  }

  /** Keeps only those references to the instance that are still not found. */
  sift(SOPInstanceUID: string, isMissing: (index: number) => boolean): void {
    const all: number[] = []
    let at = this.#heads.get(SOPInstanceUID) ?? -1
    for (; at >= 0; at = this.#before[at] ?? -1) all.push(at)
    this.#heads.delete(SOPInstanceUID)
    for (const index of all.reverse()) if (isMissing(index)) this.#put(SOPInstanceUID, index)
  }

  #put(SOPInstanceUID: string, index: number): void {
    this.#before[index] = this.#heads.get(SOPInstanceUID) ?? -1
    this.#heads.set(SOPInstanceUID, index)
  }
}
