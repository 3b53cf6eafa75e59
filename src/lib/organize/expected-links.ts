import { basename } from 'node:path'
import type { InstanceRecord } from '../record/index.ts'
import { inside } from '../storage/index.ts'
import { linkText } from './links.ts'
import { ParticipantView } from './participant-view.ts'
import { viewNames } from './view-names.ts'
import {
  isReport,
  linkName,
  rawSeriesDirectory,
  reportDirectory,
  viewTree,
  type View,
} from './view-paths.ts'

export interface ExpectedLink {
  readonly view: View
  readonly path: string
  /** What the link says. */
  readonly text: string
}

/** Where an object should be seen, and what was claimed by whom, as `Organizer` would find it now. */
export class ExpectedLinks {
  readonly #dataDir: string
  readonly #participants = new ParticipantView()

  constructor(dataDir: string) {
    this.#dataDir = dataDir
  }

  of(instance: InstanceRecord): ExpectedLink[] {
    const { attributes = {} } = instance
    const series = rawSeriesDirectory(this.#dataDir, instance, instance.SeriesInstanceUID)
    const raw = inside(series, linkName(instance))
    const tree = viewTree(this.#dataDir, instance, 'participants')
    const directory = this.#participants.directoryFor(tree, viewNames(attributes), instance)
    const links = [
      this.#link('raw', raw, instance.path),
      this.#link('participants', inside(directory, basename(raw)), raw),
    ]
    if (isReport(attributes)) {
      const reports = reportDirectory(this.#dataDir, instance, attributes)
      links.push(this.#link('srs', inside(reports, basename(raw)), raw))
    }
    return links
  }

  #link(view: View, path: string, target: string): ExpectedLink {
    return { view, path, text: linkText(this.#dataDir, path, target) }
  }
}
