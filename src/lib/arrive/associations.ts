import type { Study } from './study.ts'

/** Of senders that never end their associations the oldest are forgotten: the quiet time decides then. */
const mostAssociations = 10_000

/**
 * Which associations have brought objects of which open study, and whether they have ended. Kept in memory alone:
 * what a former process saw is not known, and the quiet time decides.
 */
export class Associations {
  readonly #studies = new Map<string, Set<Study>>()
  /** Those of a study that have not ended; absent: one of its objects came some other way. */
  readonly #open = new WeakMap<Study, Set<string>>()

  /** An object of the coming revision came. @param isFirst of this revision */
  brought(study: Study, association: string | undefined, isFirst: boolean): void {
    if (association === undefined) {
      this.#open.delete(study)
      return
    }
    const open = isFirst ? new Set<string>() : this.#open.get(study)
    if (open === undefined) return
    this.#open.set(study, open)
    if (open.has(association)) return
    open.add(association)
    const studies = this.#studies.get(association) ?? new Set()
    this.#studies.set(association, studies.add(study))
    if (this.#studies.size > mostAssociations) this.#forgetOldest()
  }

  /** @returns the studies all of whose associations have been released, now that this one has ended */
  ended(association: string, isReleased: boolean): Study[] {
    const studies = [...(this.#studies.get(association) ?? [])]
    this.#studies.delete(association)
    for (const study of studies) {
      if (isReleased) this.#open.get(study)?.delete(association)
      // A sender that was cut off comes again, nobody knows when.
      else this.#open.delete(study)
    }
    return studies.filter((study) => this.areReleased(study))
  }

  areReleased(study: Study): boolean {
    return this.#open.get(study)?.size === 0
  }

  decided(study: Study): void {
    for (const association of this.#open.get(study) ?? []) {
      this.#studies.get(association)?.delete(study)
    }
    this.#open.delete(study)
  }

  #forgetOldest(): void {
    const [oldest] = this.#studies
    if (oldest === undefined) return
    const [association, studies] = oldest
    this.#studies.delete(association)
    for (const study of studies) this.#open.delete(study)
  }
}
