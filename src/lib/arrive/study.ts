import { basename, dirname, join } from 'node:path'
import { DigestSet } from './digest-set.ts'
import { mergeAttributes, mergeSources, noSources, type Attributes, type Sources } from './facts.ts'

/** What is to be known of one object. Attributes and source are left out where they say nothing new. */
export interface Arrived {
  readonly project: string | undefined
  readonly StudyInstanceUID: string
  readonly SeriesInstanceUID: string
  readonly SOPInstanceUID: string
  readonly path: string
  readonly bytes: number
  readonly attributes?: Attributes | undefined
  readonly source?:
    | { callingAET?: string; calledAET?: string; address?: string; [fact: string]: unknown }
    | undefined
}

export interface Series {
  readonly SeriesInstanceUID: string
  instances: number
  bytes: number
  /** Objects that the last `series` record counted. */
  said: number
  /** Objects that the last `study` record counted. */
  decided: number
  attributes: Attributes | undefined
  sources: Sources
  /** Objects that lie elsewhere than in the study's directory: SOPInstanceUID to path. */
  elsewhere: Map<string, string> | undefined
  /** Monotonic, ms; of this process. */
  lastAt: number
  /** A deadline is waiting for this series. */
  awaited: boolean
}

/**
 * The directory a study has to itself, when the path is `<…>/<Study>/<Series>/<SOP>.dcm`, or the
 * `<SOP>~<digest>.dcm` of an object that came with other bytes than the first of its UID.
 */
function studyDirectory(object: Arrived): string | undefined {
  const { path, StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID } = object
  const directory = dirname(dirname(path))
  const name = basename(path).replace(/~[0-9a-f]{16}(?=\.dcm$)/, '')
  const isArchived =
    name === `${SOPInstanceUID}.dcm` &&
    dirname(path) === join(directory, SeriesInstanceUID) &&
    basename(directory) === StudyInstanceUID
  return isArchived ? directory : undefined
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
  /** The study's own directory; undefined until an object lies in one. */
  directory: string | undefined
  objects = new DigestSet()
  /** When the first object of the coming revision arrived: wall clock, ms. */
  openedAt = 0
  /** The latest moment for the coming revision: monotonic, ms, of this process. */
  latestAt = Infinity
  lastAt = 0

  constructor(project: string | undefined, StudyInstanceUID: string) {
    this.project = project
    this.StudyInstanceUID = StudyInstanceUID
  }

  /** One study may come in two projects: they are two studies. */
  static keyOf(study: { project?: string | undefined; StudyInstanceUID: string }): string {
    return `${study.StudyInstanceUID}/${study.project ?? ''}`
  }

  get key(): string {
    return Study.keyOf(this)
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
    if (!this.objects.add(object.SOPInstanceUID)) return undefined
    const series = this.#seriesOf(object.SeriesInstanceUID)
    this.instances++
    this.bytes += object.bytes
    series.instances++
    series.bytes += object.bytes
    this.directory ??= studyDirectory(object)
    if (!this.#isAtHome(object)) {
      series.elsewhere ??= new Map()
      series.elsewhere.set(object.SOPInstanceUID, object.path)
    }
    const { attributes, source, ...identity } = object
    return {
      ...identity,
      ...(this.#learnAttributes(series, attributes) ? { attributes } : {}),
      ...(this.#learnSource(series, source) ? { source } : {}),
    }
  }

  has({ name }: { readonly SeriesInstanceUID: string; readonly name: string }): boolean {
    return this.objects.has(name)
  }

  /** The coming revision is complete: it counts everything up to now. */
  close(): void {
    this.revision++
    this.decided = this.instances
    for (const series of this.series.values()) {
      series.said = series.instances
      series.decided = series.instances
    }
  }

  #isAtHome(object: Arrived): boolean {
    const { directory } = this
    if (directory === undefined) return false
    const usual = `${directory}/${object.SeriesInstanceUID}/${object.SOPInstanceUID}.dcm`
    return object.path === usual || studyDirectory(object) === directory
  }

  #seriesOf(SeriesInstanceUID: string): Series {
    let series = this.series.get(SeriesInstanceUID)
    if (series === undefined) {
      series = {
        SeriesInstanceUID,
        instances: 0,
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
