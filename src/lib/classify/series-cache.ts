import type { SeriesTypes } from './rules.ts'

/** A series as far as its objects went by. */
export class FollowedSeries {
  readonly types: SeriesTypes
  /** Objects by a number made of their UID: what counts is how many different ones there were. */
  readonly #objects = new Set<number>()

  constructor(types: SeriesTypes) {
    this.types = types
  }

  note(SOPInstanceUID: string): void {
    this.#objects.add(hash(SOPInstanceUID))
  }

  get objects(): number {
    return this.#objects.size
  }

  get weight(): number {
    return 4 + this.#objects.size + this.types.weight
  }
}

/**
 * What is known of the series that went by. It is a cache and nothing more: what it forgets is read
 * again from the objects. It forgets the studies nobody asked for longest, when it becomes too heavy.
 */
export class SeriesCache {
  readonly #studies = new Map<string, Study>()
  readonly #mostWeight: number
  #weight = 0

  /** @param mostWeight objects to remember; each takes some 50 bytes */
  constructor(mostWeight: number) {
    this.#mostWeight = mostWeight
  }

  get weight(): number {
    return this.#weight
  }

  get(StudyInstanceUID: string, SeriesInstanceUID: string): FollowedSeries | undefined {
    return this.#use(StudyInstanceUID)?.series.get(SeriesInstanceUID)
  }

  set(StudyInstanceUID: string, SeriesInstanceUID: string, series: FollowedSeries): void {
    const study: Study = this.#use(StudyInstanceUID) ?? { series: new Map(), weight: 0 }
    this.#studies.set(StudyInstanceUID, study)
    const before = study.series.get(SeriesInstanceUID)?.weight ?? 0
    study.series.set(SeriesInstanceUID, series)
    this.grew(StudyInstanceUID, series.weight - before)
  }

  /** A series of the study has become heavier. */
  grew(StudyInstanceUID: string, more: number): void {
    const study = this.#studies.get(StudyInstanceUID)
    if (study === undefined) return
    study.weight += more
    this.#weight += more
    this.#forget()
  }

  #use(StudyInstanceUID: string): Study | undefined {
    const study = this.#studies.get(StudyInstanceUID)
    if (study === undefined) return undefined
    // A Map keeps the order of insertion: the first is the one not used for longest.
    this.#studies.delete(StudyInstanceUID)
    this.#studies.set(StudyInstanceUID, study)
    return study
  }

  #forget(): void {
    for (const [uid, study] of this.#studies) {
      if (this.#weight <= this.#mostWeight) return
      this.#studies.delete(uid)
      this.#weight -= study.weight
    }
  }
}

interface Study {
  readonly series: Map<string, FollowedSeries>
  weight: number
}

/** 52 bits of a text: two different UIDs of one series practically never have the same. */
function hash(text: string): number {
  let low = 0x811c9dc5
  let high = 0x9dc5811c
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    low = Math.imul(low ^ code, 0x01000193)
    high = Math.imul(high ^ code, 0x85ebca6b) ^ (high >>> 13)
  }
  return (high & 0xfffff) * 0x100000000 + (low >>> 0)
}
