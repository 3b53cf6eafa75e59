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

/** What became of the objects of a study, in numbers and, for a person on the clinical side, by their paths. */
export class Tally {
  /** Elements by what was done with them. */
  readonly #counts = new Map<string, number>()
  readonly #excluded = new Map<string, number>()
  readonly #pixels = { masked: 0, regions: 0, searched: 0, defaced: 0 }
  readonly #details: { code: string; path: string }[] = []
  readonly #masked: MaskedObject[] = []
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

function add(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1)
}
