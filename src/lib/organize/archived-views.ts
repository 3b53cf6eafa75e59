import { Intake } from '../intake/index.ts'
import type { InstanceRecord } from '../record/index.ts'
import type { Archived } from './archive-walk.ts'
import { readArchived } from './archived-object.ts'
import { ExpectedLinks } from './expected-links.ts'
import { Organizer } from './organizer.ts'
import { ProjectViews } from './project-views.ts'
import { notWritten } from './rebuild.ts'
import { ViewReader } from './view-reader.ts'

/** The views of single objects of the archive: whether they are there, and making them. By one look at a header each. */
export class ArchivedViews {
  readonly #intake: Intake
  readonly #expected: ExpectedLinks
  readonly #reader: ViewReader
  readonly #organizer: Organizer

  /** @param dataDir absolute */
  constructor(dataDir: string, views: ProjectViews = new ProjectViews()) {
    this.#intake = new Intake({ dataDir, projects: {} })
    this.#reader = new ViewReader(dataDir)
    this.#expected = new ExpectedLinks(dataDir, views, this.#reader)
    this.#organizer = new Organizer(dataDir, { views, mends: true })
  }

  /**
   * The record that its header makes, and whether each link is there and says what it should.
   * @throws FionaError when the object cannot be read, or lies where another one should
   */
  look(archived: Archived): { readonly record: InstanceRecord; readonly isSeen: boolean } {
    return readArchived(this.#intake, archived, (record, file) => {
      const isSeen = this.#expected.of(record, file).every(({ path, text }) => {
        const seen = this.#reader.see(path)
        return seen.is === 'link' && seen.text === text
      })
      return { record, isSeen }
    })
  }

  /**
   * Makes its views; what is right stays.
   * @throws FionaError E_VIEW_BLOCKED and others of the object; E_DISK_FULL, E_ARCHIVE_WRITE when nothing can be written
   */
  async mend(record: InstanceRecord): Promise<void> {
    try {
      await this.#organizer.record({ ...record })
    } catch (error) {
      throw notWritten(error)
    }
  }

  /** The JSONs of the series whose views were made. */
  async end(): Promise<void> {
    try {
      await this.#organizer.end()
    } catch (error) {
      throw notWritten(error)
    }
  }
}
