import { openHeader } from '../dicom/index.ts'
import {
  isRecordOf,
  parseRecord,
  type AnyRecord,
  type InstanceRecord,
  type SeriesRecord,
  type StudyRecord,
} from '../record/index.ts'
import type { RuleSet } from './rule-set.ts'
import type { Classified, SeriesTypes } from './rules.ts'
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
  #rules: RuleSet
  readonly #explain: boolean
  #cache: SeriesCache
  readonly #mostObjects: number

  constructor(rules: RuleSet, options: ClassifierOptions = {}) {
    this.#rules = rules
    this.#explain = options.explain ?? false
    this.#mostObjects = options.mostObjects ?? rememberedObjects
    this.#cache = new SeriesCache(this.#mostObjects)
  }

  /** From the next record on. What went by was held against the old rules: it is read again when it is asked for. */
  useRules(rules: RuleSet): void {
    this.#rules = rules
    this.#cache = new SeriesCache(this.#mostObjects)
  }

  /** @throws FionaError E_RECORD_INVALID, E_FILE_MISSING, E_FILE_READ, E_DICOM_PARSE, E_DICOM_LIMIT */
  classify(record: AnyRecord): AnyRecord | Promise<AnyRecord> {
    // Its paths are opened, and its UIDs become parts of paths: nothing of it counts before it is valid.
    const parsed = parseRecord(record) as AnyRecord
    if (isRecordOf(parsed, 'instance')) return { ...record, ...this.#instance(parsed) }
    if (isRecordOf(parsed, 'series')) return this.#series(record, parsed)
    if (isRecordOf(parsed, 'study')) return this.#study(record, parsed)
    return record
  }

  #instance(instance: InstanceRecord): Record<string, unknown> {
    using file = openHeader(instance.path)
    const identity = identityOf(file)
    const study = identity.StudyInstanceUID ?? instance.StudyInstanceUID
    const series = identity.SeriesInstanceUID ?? instance.SeriesInstanceUID
    let followed = this.#cache.get(study, series)
    if (followed === undefined) {
      followed = new FollowedSeries(this.#rules.startSeries())
      this.#cache.set(study, series, followed)
    }
    const before = followed.weight
    const classified = followed.types.add(file, this.#explain)
    followed.note(identity.SOPInstanceUID ?? instance.SOPInstanceUID)
    this.#cache.grew(study, followed.weight - before)
    return this.#fields(classified)
  }

  async #series(record: AnyRecord, series: SeriesRecord): Promise<AnyRecord> {
    const { SeriesInstanceUID, instances, files, path } = series
    const place = { SeriesInstanceUID, instances, files, directory: path ?? undefined }
    const types = await this.#typesOfSeries(series.StudyInstanceUID, place, this.#rules)
    return { ...record, ...this.#fields(types.summary(this.#explain)) }
  }

  async #study(record: AnyRecord, study: StudyRecord): Promise<AnyRecord> {
    const studyDirectory = study.path ?? undefined
    const series: Record<string, unknown>[] = []
    const followed: SeriesTypes[] = []
    // Rules that change while its series are read are for the next study: all of this one is held against the same.
    const rules = this.#rules
    for (const entry of study.series) {
      const { SeriesInstanceUID, instances, files } = entry
      const place = { SeriesInstanceUID, instances, files, studyDirectory }
      const types = await this.#typesOfSeries(study.StudyInstanceUID, place, rules)
      followed.push(types)
      series.push({ ...entry, ...this.#fields(types.summary(this.#explain)) })
    }
    return { ...record, series, ...this.#fields(rules.studyTypes(followed, this.#explain)) }
  }

  async #typesOfSeries(
    StudyInstanceUID: string,
    place: SeriesPlace,
    rules: RuleSet,
  ): Promise<SeriesTypes> {
    // What is remembered was held against the rules that are in force.
    const isInForce = (): boolean => rules === this.#rules
    let followed = isInForce()
      ? this.#cache.get(StudyInstanceUID, place.SeriesInstanceUID)
      : undefined
    if (followed === undefined || followed.objects < place.instances) {
      followed = await readSeries(StudyInstanceUID, place, rules)
      if (isInForce()) this.#cache.set(StudyInstanceUID, place.SeriesInstanceUID, followed)
    }
    return followed.types
  }

  #fields({ types, trace }: Classified): Record<string, unknown> {
    return { ClassifyType: types, ...(trace === undefined ? {} : { classifyTrace: trace }) }
  }
}
