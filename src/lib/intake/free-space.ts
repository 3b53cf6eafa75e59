import { FionaError } from '../error/index.ts'
import { freeBytes } from '../storage/index.ts'
import { asStorageError, diskFull } from './storage-error.ts'

/** Keeps new objects out while less than the reserve is free: journals and views must still be written. */
export class FreeSpace {
  readonly #path: string
  readonly #reserveBytes: number

  constructor(path: string, reserveBytes: number) {
    this.#path = path
    this.#reserveBytes = reserveBytes
  }

  /** E_DISK_FULL when there is too little, E_ARCHIVE_WRITE when that cannot be found out. */
  shortage(): FionaError | undefined {
    let free: number
    try {
      free = freeBytes(this.#path)
    } catch (error) {
      const trouble = asStorageError(error)
      if (!(trouble instanceof FionaError)) throw error
      return trouble
    }
    if (free >= this.#reserveBytes && free > 0) return undefined
    const [have, want] = [megabytes(free), megabytes(this.#reserveBytes)]
    return diskFull(`${have} MB are free, below the reserve of ${want} MB (receiver.reserveBytes)`)
  }
}

function megabytes(bytes: number): string {
  return String(Math.floor(bytes / 1e6))
}
