import type { Store } from './store/store.ts'
import type { StoredStudy, StudyState } from './store/studies.ts'

/** Which studies are to be matched again: some by their numbers, or all of a state, read as they are needed. */
export class ToDo {
  readonly #ids = new Set<number>()
  /** `states` undefined: all. */
  #sweeps: { readonly states: readonly StudyState[] | undefined; after: number }[] = []
  #isToBeLookedAt = false

  get isEmpty(): boolean {
    return this.#ids.size === 0 && this.#sweeps.length === 0 && !this.#isToBeLookedAt
  }

  add(ids: readonly number[]): void {
    for (const id of ids) this.#ids.add(id)
  }

  /** From the first one on: those that are behind what is being read would be looked at with answers of before. */
  addAll(states: readonly StudyState[] | undefined): void {
    const isWider = this.#sweeps.some((sweep) => sweep.states === undefined)
    this.#sweeps = [{ states: isWider ? undefined : states, after: 0 }]
  }

  /** There is more to tell. */
  lookAgain(): void {
    this.#isToBeLookedAt = true
  }

  take(most: number, store: Store, owner: string): readonly StoredStudy[] {
    this.#isToBeLookedAt = false
    const taken: StoredStudy[] = []
    for (const id of this.#ids) {
      if (taken.length === most) return taken
      this.#ids.delete(id)
      const study = store.studies.withId(id)
      if (study !== undefined) taken.push(study)
    }
    const [sweep] = this.#sweeps
    if (sweep === undefined) return taken
    const studies = store.studies.list(owner, sweep.states, sweep.after, most - taken.length)
    sweep.after = studies.at(-1)?.id ?? sweep.after
    if (studies.length < most - taken.length) this.#sweeps.shift()
    return [...taken, ...studies]
  }
}
