import type { Study, StudyName } from './study.ts'

/** By project and UID: a key made of both would be a string more for each study. */
export class OpenStudies {
  readonly #byProject = new Map<string | undefined, Map<string, Study>>()

  get size(): number {
    let size = 0
    for (const studies of this.#byProject.values()) size += studies.size
    return size
  }

  *values(): Generator<Study> {
    for (const studies of this.#byProject.values()) yield* studies.values()
  }

  get({ project, StudyInstanceUID }: StudyName): Study | undefined {
    return this.#byProject.get(project)?.get(StudyInstanceUID)
  }

  inAllProjects(StudyInstanceUID: string): Study[] {
    return [...this.#byProject.values()].flatMap((studies) => studies.get(StudyInstanceUID) ?? [])
  }

  add(study: Study): void {
    let studies = this.#byProject.get(study.project)
    if (studies === undefined) {
      studies = new Map()
      this.#byProject.set(study.project, studies)
    }
    studies.set(study.StudyInstanceUID, study)
  }

  delete({ project, StudyInstanceUID }: StudyName): void {
    const studies = this.#byProject.get(project)
    studies?.delete(StudyInstanceUID)
    if (studies?.size === 0) this.#byProject.delete(project)
  }
}

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
