import type { FileHandle } from 'node:fs/promises'
import { damagedIndex } from './crosswalk-errors.ts'
import { IndexFile, indexPath } from './index-file.ts'
import { extendIndex } from './make-index.ts'
import type { Seals } from './seal.ts'

/** The index beside an open crosswalk, if there is one, and the next one while it is being made. */
export class CrosswalkIndex {
  readonly #path: string
  readonly #seals: Seals
  #file: IndexFile | undefined
  /** `made` resolves when it can be opened, or there will be none. Whoever looks something up waits for it. */
  #making: { readonly made: Promise<boolean>; readonly stop: AbortController } | undefined

  /** @param path of the crosswalk */
  constructor(path: string, seals: Seals) {
    this.#path = path
    this.#seals = seals
  }

  get file(): IndexFile | undefined {
    return this.#file
  }

  /** Up to here the crosswalk is in it. */
  get end(): number {
    return this.#file?.end ?? 0
  }

  /** How many different links are in it. */
  get links(): number {
    return this.#file?.links ?? 0
  }

  /** Takes the one that belongs to this crosswalk in place of the one it had. */
  async open(crosswalk: FileHandle): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
    this.#file = await IndexFile.open(indexPath(this.#path), this.#seals.first, crosswalk)
  }

  /** @throws FionaError E_CROSSWALK_DAMAGED */
  async has(id: Buffer): Promise<boolean> {
    if (this.#file === undefined) return false
    const offsets = await this.#file.offsetsOf(id)
    if (offsets === undefined) throw damagedIndex(indexPath(this.#path))
    return offsets.length > 0
  }

  /**
   * What is beyond it goes into it, while the process begins with what it has to do: of a million links that takes half a
   * minute, once. Where a line cannot be read there is none.
   */
  extend(crosswalk: FileHandle): void {
    const stop = new AbortController()
    const made = extendIndex(this.#path, this.#seals, crosswalk, this.#file, stop.signal)
    // Without an index every line is opened: that takes longer, and is as right.
    this.#making = { made: made.catch(() => false), stop }
  }

  /** Waits for the one that is being made. @returns whether there is a new one to be opened */
  async isMade(): Promise<boolean> {
    if (this.#making === undefined) return false
    const isMade = await this.#making.made
    this.#making = undefined
    return isMade
  }

  /** None is being made any more. */
  async stop(): Promise<void> {
    this.#making?.stop.abort()
    await this.#making?.made
    this.#making = undefined
  }

  async close(): Promise<void> {
    await this.stop()
    await this.#file?.close()
  }
}
