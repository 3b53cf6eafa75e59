import type { Reason, ReasonCode } from '../reasons.ts'

/** Where these were found says what a program answered, in words that may be others the next time. */
const inWords: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'pixels-not-masked',
  'text-search-failed',
  'faces-not-removed',
])

/**
 * What a person has let pass: what was there to be looked at, and no more. The study is made again from its objects, of
 * which there may be others by now.
 */
export class Waiver {
  static readonly nothing = new Waiver([])
  readonly #looked: ReadonlyMap<string, number>

  constructor(looked: readonly Reason[]) {
    this.#looked = countsOf(looked)
  }

  /** Whether nothing among these is new. */
  covers(reasons: readonly Reason[]): boolean {
    return [...countsOf(reasons)].every(([key, count]) => count <= (this.#looked.get(key) ?? 0))
  }
}

function countsOf(reasons: readonly Reason[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { code, where, count } of reasons) {
    const key = inWords.has(code) ? code : `${code} ${where}`
    counts.set(key, (counts.get(key) ?? 0) + count)
  }
  return counts
}
