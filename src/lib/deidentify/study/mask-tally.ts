import type { Rectangle } from '../../pixels/index.ts'
import type { CleanedPixels } from '../pixels/index.ts'

/** What was made blank in some objects, all in the same places. It tells nothing of what was there. */
export interface MaskedAlike {
  readonly rule: string
  /** Of the images, so that somebody sees how much of them is gone. */
  readonly rows: number
  readonly columns: number
  readonly regions: readonly Rectangle[]
  readonly objects: number
}

export interface Masks {
  /** By rule, and where. */
  readonly masks: readonly MaskedAlike[]
  /** Objects with rectangles that are not among them: there is no room for all. */
  readonly unlisted: number
}

/** A search for text may find other words in each picture of a study; a record has to stay one line. */
const mostMasks = 100
const mostRegions = 1000

/** Where images of a study were masked: the same for most of a device. */
export class MaskTally {
  readonly #alike = new Map<string, MaskedAlike>()
  #regions = 0
  #unlisted = 0

  note({ cleanedBy: rule, regions, size }: CleanedPixels): void {
    if (rule === undefined) return
    const { rows, columns } = size
    this.#add({ rule, rows, columns, regions, objects: 1 })
  }

  /** What was noted of other objects of the study. */
  absorb({ masks, unlisted }: Masks): void {
    for (const alike of masks) this.#add(alike)
    this.#unlisted += unlisted
  }

  #add(alike: MaskedAlike): void {
    const { rule, rows, columns, regions, objects } = alike
    const key = JSON.stringify([rule, rows, columns, regions])
    const before = this.#alike.get(key)
    if (before !== undefined) {
      this.#alike.set(key, { ...before, objects: before.objects + objects })
    } else if (this.#alike.size >= mostMasks || this.#regions + regions.length > mostRegions) {
      this.#unlisted += objects
    } else {
      this.#regions += regions.length
      this.#alike.set(key, alike)
    }
  }

  get all(): Masks {
    const sorted = [...this.#alike].sort(([a], [b]) => (a < b ? -1 : 1))
    return { masks: sorted.map(([, alike]) => alike), unlisted: this.#unlisted }
  }
}
