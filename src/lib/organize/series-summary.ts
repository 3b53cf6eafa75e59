import { lstatSync, opendirSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isTemporaryOfDead, writeFileAtomic } from '../storage/index.ts'
import { type DiffusionEntry, diffusionField, DiffusionList } from './diffusion-list.ts'
import type { SeriesFields } from './series-fields.ts'
import { isSummaryOf, listOf, mergedFields, readSummary } from './summary-file.ts'

/** Of writing again because another process wrote first: each time it, too, was on its way to the end. */
const mostTries = 100

/**
 * The JSON beside a series' links. The first object decides its fields, those that run excepted:
 * NumFiles (counted from the links, so that a replay counts nothing twice), the least SliceLocation,
 * the modalities and the types. Another process may write it, too (`--rebuild` beside a running chain): what it
 * says is then taken in, and the links are counted again.
 */
export class SeriesSummary {
  readonly path: string
  readonly #directory: string
  #fields: SeriesFields
  #links: number
  #isChanged: boolean
  #diffusion: DiffusionList | undefined
  /** Types came from records here, and not from the file alone. */
  #knowsTypes = false
  /** The file that was last read or written here. */
  #version: string

  private constructor(directory: string) {
    this.#directory = directory
    this.path = summaryPath(directory)
    this.#version = versionOf(this.path)
    const found = readSummary(this.path)
    // Of what is no summary of this series, only what cannot be made again is of use.
    this.#fields = isSummaryOf(directory, found) ? found : typesOf(found)
    this.#links = countLinks(directory)
    this.#isChanged = !this.isEmpty && this.#fields['NumFiles'] !== String(this.#links)
  }

  /** From what is on disk: one look at the directory, then each link is counted as it is made. */
  static follow(directory: string): SeriesSummary {
    const folder = dirname(directory)
    for (const name of readdirSync(folder).filter(isTemporaryOfDead)) {
      rmSync(join(folder, name), { force: true })
    }
    return new SeriesSummary(directory)
  }

  /** No object has told its fields yet. */
  get isEmpty(): boolean {
    return this.#fields['SeriesInstanceUID'] === undefined
  }

  get isChanged(): boolean {
    return this.#isChanged
  }

  get links(): number {
    return this.#links
  }

  get hasSliceLocation(): boolean {
    return this.#fields['SliceLocation'] !== undefined
  }

  /** The fields of the first object; of a later one, only what runs. */
  learn(fields: SeriesFields): void {
    for (const [name, value] of Object.entries(fields)) this.#set(name, value)
  }

  countLink(): void {
    this.#links++
    this.#isChanged = true
  }

  sliceLocation(text: string): void {
    const least = Number(this.#fields['SliceLocation'])
    if (Number.isFinite(Number(text)) && !(Number(text) >= least)) this.#set('SliceLocation', text)
  }

  modality(modality: string): void {
    const before = listOf(this.#fields['Modality'])
    if (!before.includes(modality)) this.#set('Modality', [...before, modality])
  }

  /** The number of the measurement, of the last object that has one. */
  measurement(MeasID: string): void {
    this.#set('MeasID', MeasID)
  }

  /** @returns whether it is one more, of an object that had told none */
  diffusion(entry: DiffusionEntry): boolean {
    this.#diffusion ??= new DiffusionList(this.#fields[diffusionField])
    if (!this.#diffusion.add(entry)) return false
    this.#fields[diffusionField] = this.#diffusion.entries
    this.#isChanged = true
    return true
  }

  /** How many of them are held in memory. */
  get diffusions(): number {
    const entries = this.#fields[diffusionField]
    return Array.isArray(entries) ? entries.length : 0
  }

  /** One object's types join those of the series, in the order they come. */
  addTypes(types: readonly string[]): void {
    this.#knowsTypes = true
    const before = listOf(this.#fields['ClassifyType'])
    const more = types.filter((type) => !before.includes(type))
    if (more.length > 0 || this.#fields['ClassifyType'] === undefined) {
      this.#set('ClassifyType', [...before, ...more])
    }
  }

  /** The types of the whole series, from somebody who knows. */
  setTypes(types: readonly string[]): void {
    this.#knowsTypes = true
    this.#set('ClassifyType', [...types])
  }

  /** Never half; its directory is to be synced by whoever needs it durable. */
  async write(): Promise<void> {
    for (let tries = 1; this.#isChanged; tries++) {
      this.#takeInChanges()
      this.#isChanged = false
      this.#fields['NumFiles'] = String(this.#links)
      const sorted = Object.fromEntries(
        Object.entries(this.#fields).sort(([a], [b]) => (a < b ? -1 : 1)),
      )
      try {
        await writeFileAtomic(this.path, `${JSON.stringify(sorted, null, 2)}\n`, {
          durable: 'content',
          isStill: () => versionOf(this.path) === this.#version,
        })
        this.#version = versionOf(this.path)
      } catch (error) {
        this.#isChanged = true
        if ((error as NodeJS.ErrnoException).code !== 'ESTALE' || tries >= mostTries) throw error
      }
    }
  }

  /** What another process wrote since: it may know more, and have made links that were not counted here. */
  #takeInChanges(): void {
    const version = versionOf(this.path)
    if (version === this.#version) return
    this.#version = version
    const found = readSummary(this.path)
    if (isSummaryOf(this.#directory, found)) {
      this.#fields = mergedFields(found, this.#fields, this.#knowsTypes)
      this.#diffusion = undefined
    }
    this.#links = countLinks(this.#directory)
  }

  #set(name: string, value: unknown): void {
    if (JSON.stringify(this.#fields[name]) === JSON.stringify(value)) return
    this.#fields[name] = value
    this.#isChanged = true
  }
}

/** `<raw>/<Study>/<Series>.json`, beside the series' links. */
export function summaryPath(directory: string): string {
  return join(dirname(directory), `${basename(directory)}.json`)
}

/** Each write makes a new file; an inode that is used again has another time. */
function versionOf(path: string): string {
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  if (found === undefined) return ''
  return [found.ino, found.mtimeNs, found.size].join(' ')
}

function typesOf(found: SeriesFields | undefined): SeriesFields {
  const types = listOf(found?.['ClassifyType'])
  return types.length === 0 ? {} : { ClassifyType: types }
}

/** One name after the other: a series may have a million. */
export function countLinks(directory: string): number {
  const listing = opendirSync(directory, { bufferSize: 1024 })
  try {
    let links = 0
    for (let entry = listing.readSync(); entry !== null; entry = listing.readSync()) {
      if (isLinkName(entry.name)) links++
    }
    return links
  } finally {
    listing.closeSync()
  }
}

function isLinkName(name: string): boolean {
  // Of objects that came with other bytes under the same UID (`<SOP>~<digest>.dcm`) only the first counts.
  return /^[0-9.]+\.dcm$/.test(name)
}
