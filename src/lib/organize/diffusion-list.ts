import type { SiemensDiffusion } from '../dicom/index.ts'

/** The name the original gave it. */
export const diffusionField = 'siemensDiffusionInformation'

export interface DiffusionEntry extends SiemensDiffusion {
  readonly SOPInstanceUID: string
  readonly InstanceNumber?: string
}

/** No series is known to have more; the file is read and written as a whole. */
const mostEntries = 4096

/** What each diffusion-weighted image of a series says of its weighting, each image once, in the order they came. */
export class DiffusionList {
  readonly entries: DiffusionEntry[]
  readonly #known: Set<string>

  /** @param found in a series JSON: what is no entry there is left out */
  constructor(found: unknown) {
    this.entries = (Array.isArray(found) ? found : []).filter(isEntry).slice(0, mostEntries)
    this.#known = new Set(this.entries.map(({ SOPInstanceUID }) => SOPInstanceUID))
  }

  /** @returns whether it was not there */
  add(entry: DiffusionEntry): boolean {
    if (this.#known.has(entry.SOPInstanceUID) || this.entries.length >= mostEntries) return false
    this.#known.add(entry.SOPInstanceUID)
    this.entries.push(entry)
    return true
  }
}

function isEntry(value: unknown): value is DiffusionEntry {
  if (typeof value !== 'object' || value === null) return false
  const { SOPInstanceUID, B_value } = value as Partial<Record<string, unknown>>
  return typeof SOPInstanceUID === 'string' && typeof B_value === 'string'
}
