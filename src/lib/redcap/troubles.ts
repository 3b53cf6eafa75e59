import { FionaError } from '../error/index.ts'

/** What is wrong between this site and REDCap, by what was being done. */
export class Troubles {
  readonly #all = new Map<string, FionaError>()
  readonly #tell: (error: FionaError | undefined) => void

  /** @param tell gets what is wrong whenever that changes; undefined: nothing any more */
  constructor(tell: (error: FionaError | undefined) => void) {
    this.#tell = tell
  }

  get first(): FionaError | undefined {
    return this.#all.values().next().value
  }

  has(part: string): boolean {
    return this.#all.has(part)
  }

  /** @param error undefined: that part is well again */
  set(part: string, error: FionaError | undefined): void {
    if (error !== undefined) this.#all.set(part, error)
    else if (!this.#all.delete(part)) return
    this.#tell(this.first)
  }
}

/** A mistake of ours, or of the disk, must be seen as well, and ends no loop. */
export function asTrouble(error: unknown): FionaError {
  if (error instanceof FionaError) return error
  return new FionaError('E_INTERNAL', `REDCap: ${(error as Error).message}`, { cause: error })
}
