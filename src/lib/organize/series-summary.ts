import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { isTemporaryOfDead, writeFileAtomic } from '../storage/index.ts'
import type { SeriesFields } from './series-fields.ts'

/** Bytes; ours have some two thousand. */
const longestSummary = 1 << 20

/**
 * The JSON beside a series' links. The first object decides its fields, those that run excepted:
 * NumFiles (counted from the links, so that a replay counts nothing twice), the least SliceLocation,
 * the modalities and the types.
 */
export class SeriesSummary {
  readonly path: string
  readonly #fields: SeriesFields
  #links: number
  #isChanged: boolean

  private constructor(path: string, fields: SeriesFields, links: number) {
    this.path = path
    this.#fields = fields
    this.#links = links
    this.#isChanged = !this.isEmpty && fields['NumFiles'] !== String(links)
  }

  /** From what is on disk: one look at the directory, then each link is counted as it is made. */
  static follow(directory: string): SeriesSummary {
    const path = `${directory}.json`
    for (const name of readdirSync(dirname(path)).filter(isTemporaryOfDead)) {
      rmSync(join(dirname(path), name), { force: true })
    }
    const fields = readFields(path)
    const links = readdirSync(directory).filter((name) => isLinkName(name)).length
    return new SeriesSummary(path, fields ?? {}, links)
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

  /** One object's types join those of the series, in the order they come. */
  addTypes(types: readonly string[]): void {
    const before = listOf(this.#fields['ClassifyType'])
    const more = types.filter((type) => !before.includes(type))
    if (more.length > 0 || this.#fields['ClassifyType'] === undefined) {
      this.#set('ClassifyType', [...before, ...more])
    }
  }

  /** The types of the whole series, from somebody who knows. */
  setTypes(types: readonly string[]): void {
    this.#set('ClassifyType', [...types])
  }

  async write(): Promise<void> {
    if (!this.#isChanged) return
    this.#isChanged = false
    this.#fields['NumFiles'] = String(this.#links)
    const sorted = Object.fromEntries(
      Object.entries(this.#fields).sort(([a], [b]) => (a < b ? -1 : 1)),
    )
    try {
      await writeFileAtomic(this.path, `${JSON.stringify(sorted, null, 2)}\n`)
    } catch (error) {
      this.#isChanged = true
      throw error
    }
  }

  #set(name: string, value: unknown): void {
    if (JSON.stringify(this.#fields[name]) === JSON.stringify(value)) return
    this.#fields[name] = value
    this.#isChanged = true
  }
}

function readFields(path: string): SeriesFields | undefined {
  let text
  try {
    text = readOwnFile(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // What a link leads to is no summary of ours: the link is replaced.
    if (code === 'ENOENT' || code === 'ELOOP') return undefined
    throw error
  }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch {
    // Somebody's editor was here: made again from the objects.
  }
  return undefined
}

/** Neither through a link, nor for ever from a pipe. */
function readOwnFile(path: string): string {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  const fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    const found = fstatSync(fd)
    return found.isFile() && found.size <= longestSummary ? readFileSync(fd, 'utf8') : ''
  } finally {
    closeSync(fd)
  }
}

function isLinkName(name: string): boolean {
  // Of objects that came with other bytes under the same UID (`<SOP>~<digest>.dcm`) only the first counts.
  return /^[0-9.]+\.dcm$/.test(name)
}

function listOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}
