import { basename, dirname, join } from 'node:path'
import { DigestSet } from './digest-set.ts'
import { mergeAttributes, mergeSources, noSources, type Attributes, type Sources } from './facts.ts'
import { nameByDigest } from './object-name.ts'

export interface StudyName {
  readonly project?: string | undefined
  readonly StudyInstanceUID: string
}

/** What is to be known of one object. Attributes and source are left out where they say nothing new. */
export interface Arrived {
  readonly project: string | undefined
  readonly StudyInstanceUID: string
  readonly SeriesInstanceUID: string
  readonly SOPInstanceUID: string
  /** What its study calls it: its UID, unless another object has that name. */
  readonly name: string
  readonly path: string
  readonly bytes: number
  /** Images in it, where these are more than one. */
  readonly frames?: number | undefined
  /** Of the file, where its record says it. */
  readonly sha256?: string | undefined
  readonly attributes?: Attributes | undefined
  readonly source?:
    | {
        callingAET?: string
        calledAET?: string
        address?: string
        association?: string
        [fact: string]: unknown
      }
    | undefined
}

/** The word of a person that nothing more is to be waited for. */
export interface Released {
  /** As its record says it. */
  readonly time?: string
  readonly by?: string
}

export interface Series {
  readonly study: Study
  readonly SeriesInstanceUID: string
  instances: number
  /** In all its objects: one with several frames is as many images. */
  images: number
  bytes: number
  /** Objects that the last `series` record counted. */
  said: number
  /** Objects that the last `study` record counted. */
  decided: number
  attributes: Attributes | undefined
  sources: Sources
  /** Objects that lie elsewhere than in the study's directory: name to path. */
  elsewhere: Map<string, string> | undefined
  /** Monotonic, ms; of this process. */
  lastAt: number
  /** A deadline is waiting for this series. */
  awaited: boolean
}

/** The directory a study has to itself, when the path is `<…>/<Study>/<Series>/<name of the object>.dcm`. */
function studyDirectory(object: Arrived): string | undefined {
  const { path, StudyInstanceUID, SeriesInstanceUID, name } = object
  const directory = dirname(dirname(path))
  const isArchived =
    basename(path) === `${name}.dcm` &&
    dirname(path) === join(directory, SeriesInstanceUID) &&
    basename(directory) === StudyInstanceUID
  return isArchived ? directory : undefined
}

/** Most studies lie in one of a few places, and a path of its own for each would be most of its size. */
const places = new Map<string, string>()
const mostPlaces = 1000

function placeOf(directory: string, StudyInstanceUID: string): string {
  const place = directory.slice(0, -StudyInstanceUID.length)
  const known = places.get(place)
  if (known !== undefined) return known
  if (places.size >= mostPlaces) places.clear()
  places.set(place, place)
  return place
}

/** A study as far as it has arrived: running totals, and up to where they were already told. */
export class Study {
  readonly project: string | undefined
  readonly StudyInstanceUID: string
  readonly series = new Map<string, Series>()
  revision = 0
  instances = 0
  bytes = 0
  decided = 0
  attributes: Attributes | undefined
  sources: Sources = noSources
  /** What stands before the study's UID in the path of its directory. */
  #place: string | undefined
  /** Which objects were counted: see `has`. */
  readonly objects = new DigestSet()
  /** When the first object of the coming revision arrived: wall clock, ms. */
  openedAt = 0
  /** The latest moment for the coming revision: monotonic, ms, of this process. */
  latestAt = Infinity
  /** When that first object came, and the last one: monotonic, ms, of this process. */
  firstAt = 0
  lastAt = 0
  /** Between two of its objects, as far as this process saw them: ms. */
  longestPauseMs = 0
  /** Said for the coming revision. */
  released: Released | undefined

  constructor(project: string | undefined, StudyInstanceUID: string) {
    this.project = project
    this.StudyInstanceUID = StudyInstanceUID
  }

  /** One study may come in two projects: they are two studies. */
  static keyOf(study: StudyName): string {
    return `${study.StudyInstanceUID}/${study.project ?? ''}`
  }

  get key(): string {
    return Study.keyOf(this)
  }

  /** The study's own directory, whose name is its UID; undefined until an object lies in one. */
  get directory(): string | undefined {
    return this.#place === undefined ? undefined : this.#place + this.StudyInstanceUID
  }

  set directory(path: string | undefined) {
    this.#place = path === undefined ? undefined : placeOf(path, this.StudyInstanceUID)
  }

  /** It has objects that no revision has counted. */
  get isOpen(): boolean {
    return this.instances > this.decided
  }

  /**
   * Count one object.
   * @returns what of it was new, to be noted; undefined when it was here already
   */
  add(object: Arrived): Arrived | undefined {
    if (!this.objects.add(inSeries(object, object.name))) return undefined
    const series = this.#seriesOf(object.SeriesInstanceUID)
    this.instances++
    this.bytes += object.bytes
    series.instances++
    series.images += object.frames ?? 1
    series.bytes += object.bytes
    this.directory ??= studyDirectory(object)
    const isAtHome = object.path === this.#home(object)
    if (!isAtHome) {
      series.elsewhere ??= new Map()
      series.elsewhere.set(object.name, object.path)
    }
    const { attributes, source, sha256, ...identity } = object
    // The archive has compared its objects. Of others the same bytes under the same UID are known by this.
    const isToBeKnown = !isAtHome && sha256 !== undefined
    if (isToBeKnown) this.objects.add(inSeries(object, nameByDigest(object.SOPInstanceUID, sha256)))
    return {
      ...identity,
      ...(isToBeKnown ? { sha256 } : {}),
      ...(this.#learnAttributes(series, attributes) ? { attributes } : {}),
      ...(this.#learnSource(series, source) ? { source } : {}),
    }
  }

  has(object: { readonly SeriesInstanceUID: string; readonly name: string }): boolean {
    return this.objects.has(inSeries(object, object.name))
  }

  /** The file of the object that was counted under this name, if one was. */
  fileOf(object: {
    readonly SeriesInstanceUID: string
    readonly name: string
  }): string | undefined {
    const elsewhere = this.series.get(object.SeriesInstanceUID)?.elsewhere
    return elsewhere?.get(object.name) ?? this.#home(object)
  }

  /** The coming revision is complete: it counts everything up to now. */
  close(): void {
    this.revision++
    this.released = undefined
    this.decided = this.instances
    for (const series of this.series.values()) {
      series.said = series.instances
      series.decided = series.instances
    }
  }

  #home({ SeriesInstanceUID, name }: Pick<Arrived, 'SeriesInstanceUID' | 'name'>) {
    const { directory } = this
    return directory === undefined ? undefined : `${directory}/${SeriesInstanceUID}/${name}.dcm`
  }

  #seriesOf(SeriesInstanceUID: string): Series {
    let series = this.series.get(SeriesInstanceUID)
    if (series === undefined) {
      series = {
        study: this,
        SeriesInstanceUID,
        instances: 0,
        images: 0,
        bytes: 0,
        said: 0,
        decided: 0,
        attributes: undefined,
        sources: noSources,
        elsewhere: undefined,
        lastAt: 0,
        awaited: false,
      }
      this.series.set(SeriesInstanceUID, series)
    }
    return series
  }

  #learnAttributes(series: Series, attributes: Arrived['attributes']): boolean {
    const ofStudy = mergeAttributes(this.attributes, attributes, 'study')
    const ofSeries = mergeAttributes(series.attributes, attributes, 'series')
    if (ofStudy === this.attributes && ofSeries === series.attributes) return false
    this.attributes = ofStudy
    series.attributes = ofSeries
    return true
  }

  #learnSource(series: Series, source: Arrived['source']): boolean {
    const ofStudy = mergeSources(this.sources, source)
    // Most studies have one source: then the series share the study's, which saves a third of the memory.
    const isShared = series.sources === this.sources || series.instances === this.instances
    const ofSeries = isShared ? ofStudy : mergeSources(series.sources, source)
    if (ofStudy === this.sources && ofSeries === series.sources) return false
    this.sources = ofStudy
    series.sources = ofSeries
    return true
  }
}

/** The archive tells objects apart by series, too: one UID in two series is two objects. */
function inSeries({ SeriesInstanceUID }: { SeriesInstanceUID: string }, name: string): string {
  return `${SeriesInstanceUID}/${name}`
}
