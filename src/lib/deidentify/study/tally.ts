import type { Rectangle } from '../../pixels/index.ts'
import type { CleanedPixels } from '../pixels/index.ts'
import type { Account } from './account.ts'
import { MaskTally, type Masks } from './mask-tally.ts'
import type { SourceObject, Sources } from './source-objects.ts'

export interface MaskedObject {
  readonly path: string
  readonly rule: string
  readonly regions: readonly Rectangle[]
}

const mostDetails = 1000

/** A tally as it can be handed to another thread. */
export interface TallyState {
  readonly counts: ReadonlyMap<string, number>
  readonly excluded: ReadonlyMap<string, number>
  readonly pixels: Readonly<Record<'masked' | 'regions' | 'searched' | 'defaced', number>>
  readonly details: readonly { readonly code: string; readonly path: string }[]
  readonly masked: readonly MaskedObject[]
  readonly masks: Masks
  readonly duplicates: number
  readonly unmade: number
}

/** What became of the objects of a study, in numbers and, for a person on the clinical side, by their paths. */
export class Tally {
  /** Elements by what was done with them. */
  readonly #counts = new Map<string, number>()
  readonly #excluded = new Map<string, number>()
  readonly #pixels = { masked: 0, regions: 0, searched: 0, defaced: 0 }
  #details: { readonly code: string; readonly path: string }[] = []
  #masked: MaskedObject[] = []
  readonly #masks = new MaskTally()
  duplicates = 0
  unmade = 0
  earlier = 0
  searched = 0

  count(what: string): void {
    add(this.#counts, what)
  }

  exclude(rule: string): void {
    add(this.#excluded, rule)
  }

  get hasExcluded(): boolean {
    return this.#excluded.size > 0
  }

  notePixels(pixels: CleanedPixels, { path }: SourceObject): void {
    const { cleanedBy, regions, isSearched } = pixels
    this.#masks.note(pixels)
    if (isSearched) this.#pixels.searched += 1
    if (cleanedBy === undefined) return
    this.#pixels.masked += 1
    this.#pixels.regions += regions.length
    if (this.#masked.length < mostDetails) this.#masked.push({ path, rule: cleanedBy, regions })
  }

  noteDefaced(count: number): void {
    this.#pixels.defaced += count
  }

  noteReason(code: string, path: string): void {
    if (this.#details.length < mostDetails) this.#details.push({ code, path })
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  get pixels(): Readonly<Record<'masked' | 'regions' | 'searched' | 'defaced', number>> {
    return this.#pixels
  }

  get masks(): Masks {
    return this.#masks.all
  }

  get details(): readonly { readonly code: string; readonly path: string }[] {
    return this.#details
  }

  get masked(): readonly MaskedObject[] {
    return this.#masked
  }

  state(): TallyState {
    return {
      counts: this.#counts,
      excluded: this.#excluded,
      pixels: this.#pixels,
      details: this.#details,
      masked: this.#masked,
      masks: this.#masks.state,
      duplicates: this.duplicates,
      unmade: this.unmade,
    }
  }

  /** What became of other objects of the study: as if they had been counted here, in the order of their paths. */
  absorb(other: TallyState): void {
    const { counts, excluded, pixels, details, masked, masks, duplicates, unmade } = other
    for (const [what, count] of counts) add(this.#counts, what, count)
    for (const [rule, count] of excluded) add(this.#excluded, rule, count)
    for (const what of Object.keys(this.#pixels) as (keyof typeof pixels)[]) {
      this.#pixels[what] += pixels[what]
    }
    this.#details = byPath([...this.#details, ...details])
    this.#masked = byPath([...this.#masked, ...masked])
    this.#masks.absorb(masks)
    this.duplicates += duplicates
    this.unmade += unmade
  }

  /** @param outputs how many objects the study has now, those of earlier revisions among them */
  account({ objects, missing }: Sources, outputs: number): Account {
    return {
      received: objects.length,
      made: outputs - this.earlier,
      duplicates: this.duplicates,
      excluded: Object.fromEntries(this.#excluded),
      unmade: this.unmade,
      missing,
      earlier: this.earlier,
      searched: this.searched,
    }
  }
}

function add(counts: Map<string, number>, what: string, count = 1): void {
  counts.set(what, (counts.get(what) ?? 0) + count)
}

function byPath<Entry extends { readonly path: string }>(entries: readonly Entry[]): Entry[] {
  const sorted = entries.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
  return sorted.slice(0, mostDetails)
}
