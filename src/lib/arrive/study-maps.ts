import type { Study } from './study.ts'

/** Complete studies that are still in the head, least recently completed first. */
export class CompleteStudies {
  readonly #studies = new Map<string, Study>()
  #objects = 0

  get size(): number {
    return this.#studies.size
  }

  /** In all of them. */
  get objects(): number {
    return this.#objects
  }

  get oldest(): Study | undefined {
    for (const study of this.#studies.values()) return study
    return undefined
  }

  values(): Iterable<Study> {
    return this.#studies.values()
  }

  get(key: string): Study | undefined {
    return this.#studies.get(key)
  }

  add(study: Study): void {
    if (this.#studies.has(study.key)) return
    this.#studies.set(study.key, study)
    this.#objects += study.decided
  }

  /** A study only leaves with the objects it came with: what makes it grow also opens it. */
  delete(key: string): void {
    const study = this.#studies.get(key)
    if (study === undefined) return
    this.#objects -= study.decided
    this.#studies.delete(key)
  }

  clear(): void {
    this.#studies.clear()
    this.#objects = 0
  }
}

/** Enough for the associations that repeat old objects at one time. */
const mostRecalled = 64

/** Complete studies read again because one of their objects came again. Nothing is lost when one goes. */
export class RecalledStudies {
  readonly #studies = new Map<string, Study>()

  get(key: string): Study | undefined {
    return this.#studies.get(key)
  }

  add(study: Study): void {
    this.#studies.set(study.key, study)
    for (const key of this.#studies.keys()) {
      if (this.#studies.size <= mostRecalled) return
      this.#studies.delete(key)
    }
  }

  delete(key: string): void {
    this.#studies.delete(key)
  }
}
