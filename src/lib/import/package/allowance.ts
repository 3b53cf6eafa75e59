import { packageTrouble } from './trouble.ts'

export interface PackageLimits {
  readonly members: number
  /** So much may come out of any package, however small it is. */
  readonly freeBytes: number
  /** And so many times its own size: images of one colour alone deflate a thousandfold, a whole study never does. */
  readonly ratio: number
}

const usualLimits: PackageLimits = { members: 1_000_000, freeBytes: 2 ** 30, ratio: 100 }

/** What may come out of one package before it counts as made to fill the disk. */
export class Allowance {
  readonly #members: number
  readonly #bytes: number
  #membersSeen = 0
  #bytesSeen = 0

  /** @param packageBytes its size on disk */
  constructor(packageBytes: number, limits: PackageLimits = usualLimits) {
    this.#members = limits.members
    this.#bytes = Math.max(limits.freeBytes, packageBytes * limits.ratio)
  }

  /** @throws FionaError E_PACKAGE_BOMB */
  countMember(): void {
    if (++this.#membersSeen <= this.#members) return
    throw bomb(`it has more than ${String(this.#members)} members`)
  }

  /** @throws FionaError E_PACKAGE_BOMB */
  countBytes(bytes: number): void {
    this.#bytesSeen += bytes
    if (this.#bytesSeen <= this.#bytes) return
    throw bomb(`more than ${String(this.#bytes)} bytes come out of it`)
  }
}

export function bomb(why: string): Error {
  return packageTrouble(
    'E_PACKAGE_BOMB',
    why,
    'it looks made to fill a disk; if you trust it, unpack it by hand and import the folder',
  )
}
