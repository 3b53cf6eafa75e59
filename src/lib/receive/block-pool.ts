/** A multiple of any disk's block; long enough that a call to write one costs little beside it. */
export const blockBytes = 128 * 1024

/** Of memory that only what is in use at once ever touches. */
const poolBytes = 64 << 20
const wasmPageBytes = 64 * 1024

/** A piece of memory that bytes are collected in, written from and hashed from. */
export interface Block {
  readonly bytes: Buffer
  /** Where it begins in the pool's memory; undefined of one beside the pool. */
  readonly offset: number | undefined
}

/**
 * Memory for what is on its way from a connection to the disk. It is shared, so that a thread can hash what
 * this one collects, and begins where a page does, so that the kernel can write it without a copy of its own
 * (open(2), O_DIRECT). Nothing else in Node gives such memory but WebAssembly's.
 */
export class BlockPool {
  readonly memory: SharedArrayBuffer
  /** Blocks of the pool can be written past the kernel's cache. */
  readonly isAligned: boolean
  /** The last that came back is the next to go: what is in the processor's cache, and no page more than needed. */
  readonly #free: Block[] = []
  readonly #most: number
  #made = 0
  #inUse = 0
  #lent: { readonly block: Block; readonly isRead: () => boolean }[] = []

  constructor(bytes = poolBytes) {
    const aligned = alignedMemory(bytes)
    this.isAligned = aligned !== undefined
    this.memory = aligned ?? new SharedArrayBuffer(bytes)
    this.#most = Math.floor(bytes / blockBytes)
  }

  /** Blocks that somebody has. */
  get inUse(): number {
    this.#takeBack()
    return this.#inUse
  }

  /** There always is one: beside the pool when all of it is in use, and then an ordinary piece of memory. */
  take(): Block {
    this.#takeBack()
    this.#inUse += 1
    const block = this.#free.pop()
    if (block !== undefined) return block
    if (this.#made === this.#most) {
      return { bytes: Buffer.allocUnsafeSlow(blockBytes), offset: undefined }
    }
    const offset = this.#made * blockBytes
    this.#made += 1
    return { bytes: Buffer.from(this.memory, offset, blockBytes), offset }
  }

  /** @param isRead whether the other thread has done with it: until it says so, nobody else gets it */
  giveBack(block: Block, isRead: () => boolean = () => true): void {
    if (isRead()) this.#release(block)
    else this.#lent.push({ block, isRead })
  }

  /** In the order they were lent, which is nearly that of coming back. */
  #takeBack(): void {
    let count = 0
    for (const { block, isRead } of this.#lent) {
      if (!isRead()) break
      this.#release(block)
      count += 1
    }
    if (count > 0) this.#lent = this.#lent.slice(count)
  }

  #release(block: Block): void {
    this.#inUse -= 1
    if (block.offset !== undefined) this.#free.push(block)
  }
}

/** As much of WebAssembly's interface as is used; it is declared for browsers only. */
declare const WebAssembly: {
  readonly Memory: new (pages: {
    readonly initial: number
    readonly maximum: number
    readonly shared: true
  }) => { readonly buffer: SharedArrayBuffer }
}

/** Undefined where address space is limited (ulimit -v): WebAssembly claims more of it than it uses. */
function alignedMemory(bytes: number): SharedArrayBuffer | undefined {
  const pages = Math.ceil(bytes / wasmPageBytes)
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }).buffer
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
