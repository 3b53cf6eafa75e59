import { freeBytes } from '../storage/index.ts'
import { diskFull } from './storage-error.ts'

/** A disk does not fill up by gigabytes in this time; asking for each object would cost a tenth of receiving it. */
const askAgainAfterMs = 200

/** Keeps new objects out while less than the reserve is free: journals and views must still be written. */
export class FreeSpace {
  readonly #path: string
  readonly #reserveBytes: number
  readonly #now: () => number
  #enoughUntil = -Infinity

  /** @param now monotonic, in milliseconds */
  constructor(path: string, reserveBytes: number, now: () => number) {
    this.#path = path
    this.#reserveBytes = reserveBytes
    this.#now = now
  }

  /** @throws FionaError E_DISK_FULL */
  async require(): Promise<void> {
    if (this.#reserveBytes === 0 || this.#now() < this.#enoughUntil) return
    const free = await freeBytes(this.#path)
    if (free < this.#reserveBytes) {
      const [have, want] = [megabytes(free), megabytes(this.#reserveBytes)]
      throw diskFull(`${have} MB are free, below the reserve of ${want} MB (receiver.reserveBytes)`)
    }
    this.#enoughUntil = this.#now() + askAgainAfterMs
  }
}

function megabytes(bytes: number): string {
  return String(Math.floor(bytes / 1e6))
}
