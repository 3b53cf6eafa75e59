import { createHash } from 'node:crypto'
import { ftruncateSync, writeSync } from 'node:fs'
import type { ArchivePart } from '../storage/index.ts'
import { type Block, type BlockPool, blockBytes } from './block-pool.ts'
import type { Digest, Digester } from '../digest/index.ts'
import { writePieces } from './write-pieces.ts'

/** Blocks that are written by one call. */
const mostAtOnce = 8
/**
 * Blocks that an object may have waiting for the disk, or for its digest; one where many are in use. One more than a CT
 * image (512 x 512 x 16 bit) has: it comes in without a pause.
 */
const mostBehind = 6
const manyInUse = 96
/** What is written past the kernel's cache begins and ends at a multiple of this, whatever the disk. */
const directBytes = 4096
/** Up to here writing takes the kernel less time than a turn through the thread pool takes us. */
const smallBytes = 64 * 1024

export interface PartWriterOptions {
  readonly pool: BlockPool
  readonly digester: Digester
  /** Write past the kernel's cache, where the file system can. */
  readonly direct: boolean
}

export interface Written {
  /** Bytes. */
  readonly size: number
  /** Of all bytes, hex; it may still be on its way. */
  readonly sha256: string | Promise<string>
  /** The first bytes of the file, borrowed until `release`. */
  readonly head: Buffer
}

interface Sealed {
  readonly block: Block
  /** How much of it is to be written here. */
  readonly length: number
  /** The digest has done with it. */
  readonly isRead: () => boolean
}

/**
 * The bytes of one object on their way into its part file, in blocks: each is written by the thread pool and
 * hashed by a thread while the next one fills. Neither holds up another object; a disk that is slower than
 * the network makes `congestion` for whoever sends to it.
 */
export class PartWriter {
  readonly #part: ArchivePart
  readonly #options: PartWriterOptions
  /** Of an object longer than a block; a short one is hashed at its end. */
  #digest: Digest | undefined
  /** The one that fills. */
  #block: Block | undefined
  #used = 0
  /** Stays until the header was read. */
  #first: Sealed | undefined
  /** Stays until its rest is written. */
  #last: Sealed | undefined
  #waiting: Sealed[] = []
  #beingWritten = 0
  #unread: (() => boolean)[] = []
  #position = 0
  #size = 0
  #draining: Promise<void> | undefined
  #onProgress: (() => void)[] = []
  #trouble: { readonly error: unknown } | undefined
  #isOver = false

  constructor(part: ArchivePart, options: PartWriterOptions) {
    this.#part = part
    this.#options = options
  }

  /** Bytes that came. */
  get size(): number {
    return this.#size
  }

  /** What went wrong; nothing more is taken then. */
  get trouble(): { readonly error: unknown } | undefined {
    return this.#trouble
  }

  /** Nothing more should come before it resolves, a little may. It does not reject. */
  get congestion(): Promise<void> | undefined {
    if (this.#isOver || this.#trouble !== undefined) return undefined
    const limit = this.#options.pool.inUse > manyInUse ? 1 : mostBehind
    if (this.#waiting.length + this.#beingWritten >= limit) {
      return new Promise((resolve) => this.#onProgress.push(resolve))
    }
    while (this.#unread[0]?.() === true) this.#unread.shift()
    // Should the thread have ended, `finish` will hear of it.
    return this.#unread.length > limit ? this.#digest?.caughtUp().catch(() => undefined) : undefined
  }

  /** The bytes are borrowed until this returns. */
  write(bytes: Buffer): void {
    if (this.#isOver || this.#trouble !== undefined) return
    this.#size += bytes.length
    for (let at = 0; at < bytes.length;) {
      this.#block ??= this.#options.pool.take()
      const count = Math.min(bytes.length - at, blockBytes - this.#used)
      // Into shared memory `copy` goes byte by byte; `fill` is a plain memcpy(3).
      this.#block.bytes.fill(bytes.subarray(at, at + count), this.#used, this.#used + count)
      at += count
      this.#used += count
      if (this.#used === blockBytes) this.#seal(this.#block, blockBytes, blockBytes)
    }
  }

  /**
   * Nothing more comes; when this resolves, all of it is in the file.
   * @throws the error of the operating system
   */
  async finish(): Promise<Written> {
    if (this.#digest === undefined) return this.#finishShort()
    const [block, used] = [this.#block, this.#used]
    let rest = 0
    if (block !== undefined) {
      if (this.#isDirect(block)) rest = used % directBytes
      else if (used <= smallBytes) rest = used
      this.#last = this.#seal(block, used, used - rest)
    }
    const sha256 = this.#digest.finish()
    // Whoever waits for it may not come to that.
    sha256.catch(() => undefined)
    await this.#draining
    if (this.#trouble !== undefined) throw this.#trouble.error
    if (block !== undefined && rest > 0) {
      this.#writeHere(block.bytes.subarray(used - rest, used), this.#size - rest)
    }
    return { size: this.#size, sha256, head: this.#headBytes() }
  }

  /** What is in the file is not wanted, and its space is given back at once: the rest may come for hours. */
  giveUp(error: unknown): void {
    this.#trouble ??= { error }
    this.#giveBackWaiting()
    const truncate = (): void => {
      try {
        ftruncateSync(this.#part.fd)
      } catch {
        // The part is removed in any case.
      }
    }
    if (this.#draining === undefined) truncate()
    else void this.#draining.then(truncate)
  }

  /** The end of this object, however it came: its header is not read any more. */
  async release(): Promise<void> {
    this.#isOver = true
    this.#giveBackWaiting()
    await this.#draining
    const kept = new Set([this.#first, this.#last])
    this.#first = this.#last = undefined
    for (const sealed of kept) if (sealed !== undefined) this.#giveBack(sealed)
  }

  /** `release`, of an object that is not whole. */
  async abandon(): Promise<void> {
    this.#digest?.abandon()
    await this.release()
  }

  #headBytes(): Buffer {
    const length = Math.min(this.#size, blockBytes)
    return this.#first?.block.bytes.subarray(0, length) ?? Buffer.alloc(0)
  }

  #finishShort(): Written {
    const block = this.#block ?? this.#options.pool.take()
    this.#block = undefined
    const bytes = block.bytes.subarray(0, this.#used)
    this.#first = { block, length: bytes.length, isRead: () => true }
    this.#writeHere(bytes, 0)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return { size: bytes.length, sha256, head: bytes }
  }

  /** @param length how much of what it holds is to be written by the thread pool */
  #seal(block: Block, used: number, length: number): Sealed {
    this.#block = undefined
    this.#used = 0
    this.#digest ??= this.#options.digester.begin()
    const isRead = this.#digest.update(block, used)
    this.#unread.push(isRead)
    const sealed = { block, length, isRead }
    this.#first ??= sealed
    // The rest of an object may be too short for the pool.
    if (length > 0) {
      this.#waiting.push(sealed)
      this.#draining ??= this.#drain()
    }
    return sealed
  }

  async #drain(): Promise<void> {
    for (let batch = this.#nextBatch(); batch !== undefined; batch = this.#nextBatch()) {
      this.#beingWritten = batch.pieces.length
      try {
        const { pieces, isDirect } = batch
        const bytes = pieces.map(({ block, length }) => block.bytes.subarray(0, length))
        await writePieces(this.#part, bytes, this.#position, isDirect)
        for (const { length } of pieces) this.#position += length
      } catch (error) {
        this.giveUp(error)
      }
      for (const sealed of batch.pieces) this.#giveBack(sealed)
      this.#beingWritten = 0
      for (const proceed of this.#onProgress.splice(0)) proceed()
    }
    this.#draining = undefined
  }

  /** What waits, as far as one call can write it; undefined when nothing is to be written any more. */
  #nextBatch(): { readonly pieces: readonly Sealed[]; readonly isDirect: boolean } | undefined {
    const [first] = this.#waiting
    if (first === undefined) return undefined
    const isDirect = this.#isDirect(first.block)
    const other = this.#waiting.findIndex(({ block }) => this.#isDirect(block) !== isDirect)
    const count = Math.min(other < 0 ? this.#waiting.length : other, mostAtOnce)
    return { pieces: this.#waiting.splice(0, count), isDirect }
  }

  #isDirect(block: Block): boolean {
    const { direct, pool } = this.#options
    return direct && pool.isAligned && block.offset !== undefined && this.#part.canBeDirect
  }

  #writeHere(bytes: Buffer, position: number): void {
    try {
      for (let at = 0; at < bytes.length;) {
        at += writeSync(this.#part.fd, bytes, at, bytes.length - at, position + at)
      }
    } catch (error) {
      this.#trouble = { error }
      throw error
    }
  }

  #giveBackWaiting(): void {
    for (const sealed of this.#waiting.splice(0)) this.#giveBack(sealed)
    if (this.#block !== undefined) this.#options.pool.giveBack(this.#block)
    this.#block = undefined
    this.#used = 0
    for (const proceed of this.#onProgress.splice(0)) proceed()
  }

  #giveBack(sealed: Sealed): void {
    if (sealed === this.#first || sealed === this.#last) return
    this.#options.pool.giveBack(sealed.block, sealed.isRead)
  }
}
