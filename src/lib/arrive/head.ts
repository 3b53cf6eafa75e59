import type { Keeper } from './keeper.ts'
import { CompleteStudies, RecalledStudies } from './study-maps.ts'
import { Study } from './study.ts'

export interface StudyName {
  readonly project?: string | undefined
  readonly StudyInstanceUID: string
}

/** The studies in memory. The others the keeper may know. */
export class Head {
  readonly open = new Map<string, Study>()
  readonly complete = new CompleteStudies()
  /** How many open studies each project has: whoever knows a study by its UID alone asks for each. */
  readonly #projects = new Map<string | undefined, number>()
  readonly #recalled = new RecalledStudies()
  readonly #keeper: Keeper

  constructor(keeper: Keeper) {
    this.#keeper = keeper
  }

  get(of: StudyName): Study | undefined {
    const key = Study.keyOf(of)
    return this.open.get(key) ?? this.complete.get(key) ?? this.#recalled.get(key)
  }

  /** The open studies of this UID, whatever their projects. */
  openOf(StudyInstanceUID: string): Study[] {
    return [...this.#projects.keys()].flatMap((project) => {
      return this.open.get(Study.keyOf({ project, StudyInstanceUID })) ?? []
    })
  }

  /** A study that is not in memory: complete long ago, or new. */
  async recall(of: StudyName): Promise<Study> {
    const study = (await this.#keeper.recall(of)) ?? new Study(of.project, of.StudyInstanceUID)
    if (study.instances > 0) this.#recalled.add(study)
    return study
  }

  /** Where it belongs, after it was opened or closed. */
  place(study: Study): void {
    const { key } = study
    this.#recalled.delete(key)
    if (study.isOpen) {
      this.complete.delete(key)
      if (!this.open.has(key)) this.#countProject(study.project, 1)
      this.open.set(key, study)
    } else {
      if (this.open.delete(key)) this.#countProject(study.project, -1)
      this.complete.add(study)
    }
  }

  #countProject(project: string | undefined, by: 1 | -1): void {
    const count = (this.#projects.get(project) ?? 0) + by
    if (count === 0) this.#projects.delete(project)
    else this.#projects.set(project, count)
  }
}
