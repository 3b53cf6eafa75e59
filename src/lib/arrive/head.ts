import type { Keeper } from './keeper.ts'
import { CompleteStudies, OpenStudies, RecalledStudies } from './study-maps.ts'
import { Study, type StudyName } from './study.ts'

/** The studies in memory. The others the keeper may know. */
export class Head {
  readonly open = new OpenStudies()
  readonly complete = new CompleteStudies()
  readonly #recalled = new RecalledStudies()
  readonly #keeper: Keeper

  constructor(keeper: Keeper) {
    this.#keeper = keeper
  }

  get(of: StudyName): Study | undefined {
    const open = this.open.get(of)
    if (open !== undefined) return open
    const key = Study.keyOf(of)
    return this.complete.get(key) ?? this.#recalled.get(key)
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
      this.open.add(study)
    } else {
      this.open.delete(study)
      this.complete.add(study)
    }
  }
}
