import { existsSync } from 'node:fs'
import { inside } from '../storage/index.ts'
import {
  directoryOf,
  ownerOfSeriesDirectory,
  ownerOfStudyDirectory,
  type Owner,
} from './claim-directory.ts'
import type { ViewNames } from './view-names.ts'

const mostRemembered = 10_000

/** `participants/<PatientID>/<StudyDate>_<StudyTime>/<SeriesNumber>_<SeriesDescription>/`, for people. */
export class ParticipantView {
  /** Where the series that went by last are: looking each time would cost more than the link. */
  readonly #known = new Map<string, string>()

  directoryFor(participants: string, names: ViewNames, owner: Owner): string {
    const { StudyInstanceUID, SeriesInstanceUID } = owner
    const key = JSON.stringify([participants, names, StudyInstanceUID, SeriesInstanceUID])
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const study = this.studyDirectory(participants, names, StudyInstanceUID)
    const directory = directoryOf(
      study,
      names.series,
      SeriesInstanceUID,
      (path) => ownerOfSeriesDirectory(path)?.SeriesInstanceUID,
    )
    if (this.#known.size >= mostRemembered) this.#known.clear()
    this.#known.set(key, directory)
    return directory
  }

  studyDirectory(participants: string, names: ViewNames, StudyInstanceUID: string): string {
    const patient = inside(participants, names.patient)
    return directoryOf(
      patient,
      names.study,
      StudyInstanceUID,
      (path) => ownerOfStudyDirectory(path)?.StudyInstanceUID,
    )
  }

  /** The directory of a study that has one. */
  existing(participants: string, names: ViewNames, StudyInstanceUID: string): string[] {
    const directory = this.studyDirectory(participants, names, StudyInstanceUID)
    return existsSync(directory) ? [directory] : []
  }
}
