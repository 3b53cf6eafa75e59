import { openHeader } from '../dicom/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import type { AnyRecord } from '../record/index.ts'
import type { RuleSet } from './rule-set.ts'
import type { Classified } from './rules.ts'
import { FollowedSeries, SeriesCache } from './series-cache.ts'
import { type SeriesPlace, readSeries } from './read-series.ts'
import { identityOf } from './stored-objects.ts'

export interface ClassifierOptions {
  /** Add `classifyTrace`. Values of the objects stand in it, so it goes into records only. */
  readonly explain?: boolean
  /** Objects to remember, so that a series need not be read again when it is complete. */
  readonly mostObjects?: number
}

const rememberedObjects = 500_000

/**
 * Adds `ClassifyType` to `instance`, `series` and `study` records. An instance is classified by its
 * header, a series by its objects, a study by its series. Objects that went by are remembered; of
 * the others the headers are read when a record names them, so that every record is enough by itself.
 */
export class Classifier {
  readonly #rules: RuleSet
  readonly #explain: boolean
  readonly #cache: SeriesCache

  constructor(rules: RuleSet, options: ClassifierOptions = {}) {
    this.#rules = rules
    this.#explain = options.explain ?? false
    this.#cache = new SeriesCache(options.mostObjects ?? rememberedObjects)
  }

  /** @throws FionaError E_RECORD_INVALID, E_FILE_MISSING, E_FILE_READ, E_DICOM_PARSE, E_DICOM_LIMIT */
  classify(record: AnyRecord): AnyRecord | Promise<AnyRecord> {
    switch (record.type) {
      case 'instance':
        return this.#instance(record)
      case 'series':
        return this.#series(record)
      case 'study':
        return this.#study(record)
      default:
        return record
    }
  }

  #instance(record: AnyRecord): AnyRecord {
    using file = openHeader(text(record, 'path'))
    const identity = identityOf(file)
    const study = identity.StudyInstanceUID ?? text(record, 'StudyInstanceUID')
    const series = identity.SeriesInstanceUID ?? text(record, 'SeriesInstanceUID')
    let followed = this.#cache.get(study, series)
    if (followed === undefined) {
      followed = new FollowedSeries(this.#rules.startSeries())
      this.#cache.set(study, series, followed)
    }
    const before = followed.weight
    const classified = followed.types.add(file, this.#explain)
    followed.note(identity.SOPInstanceUID ?? text(record, 'SOPInstanceUID'))
    this.#cache.grew(study, followed.weight - before)
    return { ...record, ...this.#fields(classified) }
  }

  async #series(record: AnyRecord): Promise<AnyRecord> {
    const classified = await this.#classifySeries(text(record, 'StudyInstanceUID'), placeOf(record))
    return { ...record, ...this.#fields(classified) }
  }

  async #study(record: AnyRecord): Promise<AnyRecord> {
    const study = text(record, 'StudyInstanceUID')
    const entries = record['series']
    if (!Array.isArray(entries)) throw invalid('a study record without its list of series')
    const series: AnyRecord[] = []
    const types = new Set<string>()
    for (const entry of entries as readonly AnyRecord[]) {
      const place = placeOf(entry, record['path'])
      const classified = await this.#classifySeries(study, place)
      for (const type of classified.types) types.add(type)
      series.push({ ...entry, ...this.#fields(classified) })
    }
    return { ...record, series, ClassifyType: this.#rules.order.sort(types) }
  }

  async #classifySeries(StudyInstanceUID: string, place: SeriesPlace): Promise<Classified> {
    let followed = this.#cache.get(StudyInstanceUID, place.SeriesInstanceUID)
    if (followed === undefined || followed.objects < place.instances) {
      followed = await readSeries(StudyInstanceUID, place, this.#rules)
      this.#cache.set(StudyInstanceUID, place.SeriesInstanceUID, followed)
    }
    return followed.types.summary(this.#explain)
  }

  #fields({ types, trace }: Classified): Record<string, unknown> {
    return { ClassifyType: types, ...(trace === undefined ? {} : { classifyTrace: trace }) }
  }
}

/** Where the objects of a series are: its own files or directory, or the study's directory. */
function placeOf(entry: AnyRecord, studyPath?: unknown): SeriesPlace {
  const { files, path, instances } = entry as Readonly<Record<string, unknown>>
  return {
    SeriesInstanceUID: text(entry, 'SeriesInstanceUID'),
    instances: typeof instances === 'number' ? instances : 0,
    files: isTexts(files) ? files : undefined,
    directory: typeof path === 'string' ? path : undefined,
    studyDirectory: typeof studyPath === 'string' ? studyPath : undefined,
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

function text(record: AnyRecord, key: string): string {
  const value: unknown = record[key]
  if (typeof value === 'string' && value !== '') return value
  throw invalid(`the record has no ${key}`)
}

function invalid(message: string): FionaError {
  return new FionaError('E_RECORD_INVALID', message, {
    hint: 'records are described in docs/schema/',
    exitCode: ExitCode.badInput,
  })
}
