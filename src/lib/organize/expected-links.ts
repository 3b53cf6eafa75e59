import type { DicomFile } from '../dicom/index.ts'
import type { InstanceRecord } from '../record/index.ts'
import { inside } from '../storage/index.ts'
import { fileNames, fileOf } from './claim-file.ts'
import { linkText } from './links.ts'
import { placementsOf } from './place-object.ts'
import type { ProjectViews } from './project-views.ts'
import { defaultProject, linkName, rawSeriesDirectory, viewTree } from './view-paths.ts'
import type { ViewReader } from './view-reader.ts'

export interface ExpectedLink {
  /** The folder it lies in. */
  readonly view: string
  readonly path: string
  /** What the link says. */
  readonly text: string
}

/** Where an object should be seen, and what was claimed by whom, as `Organizer` would find it now. */
export class ExpectedLinks {
  readonly #dataDir: string
  readonly #views: ProjectViews
  readonly #reader: ViewReader

  constructor(dataDir: string, views: ProjectViews, reader: ViewReader) {
    this.#dataDir = dataDir
    this.#views = views
    this.#reader = reader
  }

  of(instance: InstanceRecord, file: DicomFile): ExpectedLink[] {
    const { attributes = {}, project } = instance
    const series = rawSeriesDirectory(this.#dataDir, instance, instance.SeriesInstanceUID)
    const name = linkName(instance)
    const raw = inside(series, name)
    const placements = placementsOf(
      this.#views.of(project ?? defaultProject),
      instance,
      attributes,
      file,
    )
    return [
      { view: 'raw', path: raw, text: linkText(this.#dataDir, raw, instance.path) },
      ...placements.map(({ view, names }) => {
        const { layout } = view
        const tree = viewTree(this.#dataDir, instance, layout.root)
        const directory = view.directoryFor(tree, names.directories, instance)
        const textOf = (path: string): string => linkText(this.#dataDir, path, raw)
        const candidates = fileNames(layout, names, instance, name)
        const path = fileOf(directory, candidates, textOf, (...at) => this.#reader.seeAll(...at))
        return { view: layout.root, path, text: textOf(path) }
      }),
    ]
  }
}
