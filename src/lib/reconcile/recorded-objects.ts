import { DigestSet } from '../arrive/index.ts'
import { readJournal } from '../journal/index.ts'
import { placeOf, type Place } from './place.ts'

const chunkBytes = 1 << 20

/** Which objects of archives a journal has a record of: 16 bytes each, and the position up to which it was read. */
export class RecordedObjects {
  readonly #directory: string
  readonly #isWanted: (place: Place) => boolean
  readonly #seen = new DigestSet()
  readonly #cursor: Record<string, number> = {}

  /** @param isWanted the others are passed over */
  constructor(directory: string, isWanted: (place: Place) => boolean) {
    this.#directory = directory
    this.#isWanted = isWanted
  }

  has({ below }: Place): boolean {
    return this.#seen.has(below)
  }

  add({ below }: Place): boolean {
    return this.#seen.add(below)
  }

  /**
   * What was appended since it was read last, or all that is there.
   * @param met told of each object once, with the path that its first record says
   */
  async readOn(
    signal: AbortSignal,
    met: (place: Place, path: string) => Promise<void>,
  ): Promise<void> {
    const cursor = { ...this.#cursor }
    for await (const { lines, segment, end } of readJournal(this.#directory, {
      cursor,
      signal,
      chunkBytes,
    })) {
      if (signal.aborted) return
      this.#cursor[segment] = end
      for (const line of lines.toString().split('\n')) {
        const path = pathOfInstance(line)
        const place = path === undefined ? undefined : placeOf(path)
        if (place === undefined || path === undefined || !this.#isWanted(place)) continue
        if (this.add(place)) await met(place, path)
      }
    }
  }
}

function pathOfInstance(line: string): string | undefined {
  // Most that is said here is said of instances; what is not, need not be parsed.
  if (!line.includes('"instance"')) return undefined
  try {
    const { type, path } = JSON.parse(line) as { type?: unknown; path?: unknown }
    return type === 'instance' && typeof path === 'string' ? path : undefined
  } catch {
    return undefined
  }
}
