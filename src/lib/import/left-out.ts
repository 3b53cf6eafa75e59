import type { Logger } from 'pino'
import type { SkipReason } from './imported.ts'

/** What makes no record and no error, so that a person hears of it at all. */
export class LeftOut {
  readonly #log: Logger
  readonly #counts = { notDicom: 0, linkedFolder: 0, directory: 0 }

  constructor(log: Logger) {
    this.#log = log
  }

  count(reason: SkipReason | 'linkedFolder'): void {
    this.#counts[reason]++
  }

  /** And begins to count anew. */
  tell(): void {
    const { notDicom: files, linkedFolder: links } = this.#counts
    if (files > 0) {
      this.#log.info(
        { files },
        'files that are not DICOM were left out; --strict makes them errors',
      )
    }
    if (links > 0) {
      this.#log.info(
        { links },
        'links to folders were not followed; name the folders to import them',
      )
    }
    Object.assign(this.#counts, { notDicom: 0, linkedFolder: 0, directory: 0 })
  }
}
