import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DicomFile, isRecordedAttribute, tagOf } from '../dicom/index.ts'
import { FionaError, troubleOfSurroundings } from '../error/index.ts'
import type { StudyRecord } from '../record/index.ts'
import type { StudyInQuestion } from './source.ts'

/** Of a study with many damaged objects only so many are opened. */
const mostTried = 5

/** The same for each revision; of two trees the same study is two. */
export function keyOf({ project, StudyInstanceUID }: StudyRecord): string {
  return `${project ?? ''}/${StudyInstanceUID}`
}

/** A study as sources are asked about it; its header is read when something asks for it, once. */
export class Study implements StudyInQuestion {
  readonly record: StudyRecord
  readonly key: string
  readonly StudyInstanceUID: string
  readonly tree: string | undefined
  readonly revision: number
  readonly #known = new Map<string, readonly string[]>()
  #header: ReadonlyMap<number, readonly string[]> | undefined

  constructor(record: StudyRecord) {
    this.record = record
    this.key = keyOf(record)
    this.StudyInstanceUID = record.StudyInstanceUID
    this.tree = record.project
    this.revision = record.revision
  }

  values(name: string): readonly string[] {
    let values = this.#known.get(name)
    if (values === undefined) {
      values = this.#find(name)
        .map(withoutPadding)
        .filter((text) => text !== '')
      this.#known.set(name, values)
    }
    return values
  }

  #find(name: string): readonly string[] {
    const { sources, attributes = {}, StudyInstanceUID } = this.record
    if (name === 'callingAET' || name === 'calledAET' || name === 'address') {
      return sources?.[name] ?? []
    }
    if (name === 'ClassifyType') return this.#types()
    if (name === 'StudyInstanceUID') return [StudyInstanceUID]
    if (name === 'Modality' || name === 'SeriesDescription') return this.#ofSeries(name)
    const value = Object.hasOwn(attributes, name) ? attributes[name] : undefined
    if (value !== undefined) return typeof value === 'string' ? [value] : value
    // Whoever wrote the record has looked for these.
    return isRecordedAttribute(name) && this.record.attributes !== undefined
      ? []
      : this.#inHeader(name)
  }

  #types(): readonly string[] {
    const { ClassifyType = [], series } = this.record
    return [...new Set([...ClassifyType, ...series.flatMap((one) => one.ClassifyType ?? [])])]
  }

  /** What differs from series to series: all of it. */
  #ofSeries(name: 'Modality' | 'SeriesDescription'): readonly string[] {
    const own = this.record.attributes?.[name]
    const values = [
      typeof own === 'string' ? own : '',
      ...this.record.series.map((one) => one[name] ?? ''),
    ]
    return [...new Set(values)]
  }

  #inHeader(name: string): readonly string[] {
    const tag = tagOf(name)
    if (tag === undefined) return []
    this.#header ??= this.#readHeader()
    return this.#header.get(tag) ?? []
  }

  /** Of the first object that can be read, those of its elements that have text. */
  #readHeader(): ReadonlyMap<number, readonly string[]> {
    let tried = 0
    for (const path of this.#objects()) {
      if ((tried += 1) > mostTried) break
      try {
        return headerOf(path)
      } catch (error) {
        if (!(error instanceof FionaError) || troubleOfSurroundings(error) !== undefined)
          throw error
      }
    }
    return new Map()
  }

  *#objects(): Generator<string, void, undefined> {
    const { path, series } = this.record
    for (const { files, SeriesInstanceUID } of series) {
      if (files !== undefined) yield* files
      else if (path !== null) {
        const folder = join(path, SeriesInstanceUID)
        for (const name of namesIn(folder)) if (name.endsWith('.dcm')) yield join(folder, name)
      }
    }
  }
}

function headerOf(path: string): ReadonlyMap<number, readonly string[]> {
  using file = DicomFile.open(path, { stopAtPixelData: true })
  const found = new Map<number, readonly string[]>()
  for (const dataSet of [file.meta, file.dataSet]) {
    for (const { tag, vr, length } of dataSet.elements) {
      if (vr === 'SQ' || length > longestElement || found.has(tag)) continue
      found.set(tag, file.strings(dataSet, tag))
    }
  }
  return found
}

/** Bytes; nothing longer is a name, a number or a description. */
const longestElement = 4096

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort()
  } catch (error) {
    if (troubleOfSurroundings(error) !== undefined) throw error
    return []
  }
}

/** Blanks around a value, and NUL, are padding (PS3.5 6.2). */
export function withoutPadding(text: string): string {
  let [from, to] = [0, text.length]
  while (from < to && isPadding(text, from)) from += 1
  while (to > from && isPadding(text, to - 1)) to -= 1
  return text.slice(from, to)
}

function isPadding(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code === 0x20 || code === 0
}
