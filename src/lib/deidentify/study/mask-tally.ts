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

/**
 * Where images of a study were masked: the same for most of a device. Of more kinds than there is room for, those stay that
 * sort first, so that it does not matter in which order objects are noted, nor by how many threads.
 */
export class MaskTally {
  readonly #alike = new Map<string, MaskedAlike>()
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
      return
    }
    this.#alike.set(key, alike)
    if (this.#alike.size <= mostMasks) return
    // What sorts behind so many others does so in the whole study, too: it never comes back.
    const [last = ''] = [...this.#alike.keys()].sort().slice(-1)
    this.#unlisted += this.#alike.get(last)?.objects ?? 0
    this.#alike.delete(last)
  }

  /** All that is known, to be absorbed. */
  get state(): Masks {
    const sorted = [...this.#alike].sort(([a], [b]) => (a < b ? -1 : 1))
    return { masks: sorted.map(([, alike]) => alike), unlisted: this.#unlisted }
  }

  /** For a record: what fits into it. */
  get all(): Masks {
    const masks: MaskedAlike[] = []
    let unlisted = this.#unlisted
    let room = mostRegions
    for (const alike of this.state.masks) {
      if (alike.regions.length > room) unlisted += alike.objects
      else {
        room -= alike.regions.length
        masks.push(alike)
      }
    }
    return { masks, unlisted }
  }
}
