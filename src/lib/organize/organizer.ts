import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { FilterLogic, FilterResult } from '../cli/index.ts'
import { readAttributes, siemensDiffusion, siemensField, type DicomFile } from '../dicom/index.ts'
import type { DiffusionEntry } from './diffusion-list.ts'
import {
  isRecordOf,
  parseRecord,
  type AnyRecord,
  type InstanceRecord,
  type SeriesRecord,
  type StudyRecord,
} from '../record/index.ts'
import { fileNames, fileOf } from './claim-file.ts'
import { FollowedSeries } from './followed-series.ts'
import { linkText, ViewTree } from './links.ts'
import { placementsOf, studyNames, type Placement } from './place-object.ts'
import { ProjectViews } from './project-views.ts'
import { readHeader, requireIdentity } from './read-header.ts'
import { fieldsOf, sliceLocationOf, type SeriesFields } from './series-fields.ts'
import type { SeriesSummary } from './series-summary.ts'
import {
  defaultProject,
  linkName,
  rawSeriesDirectory,
  rawStudyDirectory,
  viewTree,
} from './view-paths.ts'
import { ViewReader } from './view-reader.ts'

/** What the header of an object has to tell, as far as it had to be opened. */
interface Header {
  readonly attributes: Readonly<Record<string, unknown>>
  readonly placements: readonly Placement[]
  readonly fields?: SeriesFields
  readonly sliceLocation?: string | undefined
  readonly measurement?: string | undefined
  readonly diffusion?: DiffusionEntry | undefined
}

/**
 * Makes the views of a project tree: links, and a JSON beside each series. All of it can be made again
 * from the records, and a record that comes again changes nothing. What is done for one object does not
 * depend on how many there are.
 */
export class Organizer implements FilterLogic {
  readonly handles = ['instance', 'series', 'study']
  readonly #dataDir: string
  readonly #views: ProjectViews
  readonly #tree: ViewTree
  readonly #reader: ViewReader
  readonly #followed = new FollowedSeries()

  /** @param options.mends objects of the archive only: a link that says anything else than it should is replaced */
  constructor(
    dataDir: string,
    options: { readonly views?: ProjectViews | undefined; readonly mends?: boolean } = {},
  ) {
    this.#dataDir = dataDir
    this.#views = options.views ?? new ProjectViews()
    this.#tree = new ViewTree(dataDir, options)
    this.#reader = new ViewReader(dataDir)
  }

  record(record: AnyRecord): FilterResult | Promise<FilterResult> {
    const parsed = parseRecord(record) as AnyRecord
    if (isRecordOf(parsed, 'study')) return this.#study(record, parsed)
    if (isRecordOf(parsed, 'series')) return this.#series(record, parsed)
    const result = { ...record, views: this.#instance(parsed as unknown as InstanceRecord) }
    return this.#followed.isMuch ? this.#followed.settle().then(() => result) : result
  }

  async mark(): Promise<void> {
    await this.#followed.settle()
  }

  async end(): Promise<undefined> {
    await this.#followed.settle()
  }

  #instance(instance: InstanceRecord): string[] {
    const series = rawSeriesDirectory(this.#dataDir, instance, instance.SeriesInstanceUID)
    // Everything that may be wrong with the file shows before anything is made.
    const header = this.#readWhatIsNeeded(instance, this.#followed.get(series))
    const made = this.#tree.makeDirectory(series)
    if (made.length > 0) this.#followed.forget(series)
    this.#followed.touch(...made)
    // What is counted, and what is left by the dead and removed, is ours.
    if (this.#followed.get(series) === undefined) this.#tree.requireReal(series)
    const summary = this.#followed.follow(series)
    const raw = join(series, linkName(instance))
    const linked = this.#tree.link(raw, instance.path)
    if (linked !== 'there') this.#followed.touch(series)
    if (linked === 'made' && raw.endsWith(`/${instance.SOPInstanceUID}.dcm`)) summary.countLink()
    learn(summary, instance, header)
    const isTwin = linkName(instance) !== `${instance.SOPInstanceUID}.dcm`
    if (header.diffusion !== undefined && !isTwin && summary.diffusion(header.diffusion)) {
      this.#followed.countDiffusion()
    }
    return [
      raw,
      ...header.placements.map((placement) => this.#linkForPeople(instance, placement, raw)),
    ]
  }

  #linkForPeople(instance: InstanceRecord, { view, names }: Placement, raw: string): string {
    const { layout } = view
    const tree = viewTree(this.#dataDir, instance, layout.root)
    const directory = view.directoryFor(tree, names.directories, instance)
    this.#followed.touch(...this.#tree.makeDirectory(directory))
    const name = basename(raw)
    const candidates = fileNames(layout, names, instance, name)
    const textOf = (path: string): string => linkText(this.#dataDir, path, raw)
    const path = fileOf(directory, candidates, textOf, (...at) => this.#reader.seeAll(...at))
    if (this.#tree.link(path, raw) !== 'there') this.#followed.touch(directory)
    return path
  }

  async #series(record: AnyRecord, series: SeriesRecord): Promise<AnyRecord> {
    const directory = rawSeriesDirectory(this.#dataDir, series, series.SeriesInstanceUID)
    await this.#tellTypes(directory, series.ClassifyType)
    return record
  }

  async #study(record: AnyRecord, study: StudyRecord): Promise<AnyRecord> {
    for (const { SeriesInstanceUID, ClassifyType } of study.series) {
      const directory = rawSeriesDirectory(this.#dataDir, study, SeriesInstanceUID)
      await this.#tellTypes(directory, ClassifyType)
    }
    const raw = rawStudyDirectory(this.#dataDir, study)
    const views = [
      ...(existsSync(raw) ? [raw] : []),
      ...this.#views.of(study.project ?? defaultProject).flatMap((view) => {
        const { StudyInstanceUID, attributes = {} } = study
        const tree = viewTree(this.#dataDir, study, view.layout.root)
        const names = studyNames(view, StudyInstanceUID, attributes)
        return view.existingStudy(tree, names, StudyInstanceUID)
      }),
    ]
    return { ...record, views }
  }

  /** The series is complete so far: its JSON is written, with a right count even after a restart. */
  async #tellTypes(directory: string, types: readonly string[] | undefined): Promise<void> {
    if (!existsSync(directory)) return
    this.#tree.requireReal(directory)
    const summary = this.#followed.follow(directory)
    // Without the fields of an object it would be a summary of nothing.
    if (summary.isEmpty) return
    if (types !== undefined) summary.setTypes(types)
    await this.#followed.write(summary)
  }

  /** Every header is opened, for what it says it is; of later objects of a series little else is read but running fields. */
  #readWhatIsNeeded(instance: InstanceRecord, summary: SeriesSummary | undefined): Header {
    const isFollowed = summary !== undefined && !summary.isEmpty
    const views = this.#views.of(instance.project ?? defaultProject)
    return readHeader(instance.path, (file) => {
      requireIdentity(file, instance)
      const attributes = instance.attributes ?? readAttributes(file)
      return {
        attributes,
        placements: placementsOf(views, instance, attributes, file),
        sliceLocation: !isFollowed || summary.hasSliceLocation ? sliceLocationOf(file) : undefined,
        diffusion: diffusionOf(file, instance),
        ...(isFollowed
          ? { measurement: siemensField(file, 'MeasID') }
          : { fields: fieldsOf(file) }),
      }
    })
  }
}

function diffusionOf(
  file: DicomFile,
  { SOPInstanceUID }: InstanceRecord,
): DiffusionEntry | undefined {
  const said = siemensDiffusion(file)
  if (said === undefined) return undefined
  const number = file.string(file.dataSet, 0x00200013)
  return { SOPInstanceUID, ...(number === undefined ? {} : { InstanceNumber: number }), ...said }
}

function learn(summary: SeriesSummary, instance: InstanceRecord, header: Header): void {
  if (summary.isEmpty && header.fields !== undefined) {
    const { source } = instance
    summary.learn({
      ...header.fields,
      StudyInstanceUID: instance.StudyInstanceUID,
      SeriesInstanceUID: instance.SeriesInstanceUID,
      SOPClassUID: instance.SOPClassUID,
      IncomingConnection: {
        AETitleCaller: source?.callingAET ?? 'unknown',
        AETitleCalled: source?.calledAET ?? 'unknown',
        CallerIP: source?.address ?? 'unknown',
      },
    })
  } else {
    if (header.sliceLocation !== undefined) summary.sliceLocation(header.sliceLocation)
    if (header.measurement !== undefined) summary.measurement(header.measurement)
    const modality = header.attributes['Modality']
    if (typeof modality === 'string' && modality !== '') summary.modality(modality)
  }
  if (instance.ClassifyType !== undefined) summary.addTypes(instance.ClassifyType)
}
