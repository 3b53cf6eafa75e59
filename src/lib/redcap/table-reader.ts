import { FionaError } from '../error/index.ts'
import type { Row } from './answer.ts'
import { Mirror } from './mirror.ts'
import type { FieldOfProject, RedcapProject } from './redcap-project.ts'

export interface TableToRead {
  readonly project: RedcapProject
  /** Of the file that keeps it. */
  readonly name: string
  readonly fields: readonly string[]
  /** Asked for where the project has them: REDCap refuses a call that names a field it does not know. */
  readonly extraFields?: readonly string[]
  readonly take: (rows: readonly Row[], dictionary: readonly FieldOfProject[]) => void
}

/** The dictionary changes when somebody edits the project. */
const dictionaryMs = 10 * 60_000

/** A whole REDCap project of few and small rows, read again and again. */
export class TableReader {
  readonly #table: TableToRead
  readonly #mirror: Mirror
  readonly #dictionaryMirror: Mirror
  #dictionary: readonly FieldOfProject[] = []
  #dictionaryReadAt: number | undefined

  constructor(table: TableToRead, directory: string | undefined) {
    this.#table = table
    this.#mirror = new Mirror(directory, table.name)
    this.#dictionaryMirror = new Mirror(directory, `${table.name}-dictionary`)
  }

  get name(): string {
    return this.#table.project.name
  }

  /** It was read once, by this process or one before. */
  get isKnown(): boolean {
    return this.#mirror.isKnown
  }

  /** What was read by a process before. */
  async load(): Promise<void> {
    await this.#mirror.load()
    await this.#dictionaryMirror.load()
    this.#dictionary = this.#dictionaryMirror.rows.map((row) => ({
      field_name: row.get('field_name') ?? '',
      form_name: '',
      field_type: '',
      choices: row.get('choices') ?? '',
    }))
    if (this.isKnown) this.#table.take(this.#mirror.rows, this.#dictionary)
  }

  /**
   * @param nowMs monotonic
   * @returns whether anything is other than before
   * @throws FionaError E_REDCAP_…
   */
  async read(nowMs: number, signal: AbortSignal): Promise<boolean> {
    const { project, fields, extraFields = [], take } = this.#table
    let hasNewDictionary = false
    if (this.#dictionaryReadAt === undefined || nowMs - this.#dictionaryReadAt > dictionaryMs) {
      this.#dictionary = await project.metadata(signal)
      this.#dictionaryReadAt = nowMs
      hasNewDictionary = await this.#dictionaryMirror.replace(
        this.#dictionary.map((one) => new Map([...Object.entries(one)])),
      )
    }
    const has = new Set(this.#dictionary.map(({ field_name }) => field_name))
    const asked = [...fields, ...extraFields.filter((field) => has.has(field))]
    const rows = await project.exportRecords({ fields: asked }, signal).catch((error: unknown) => {
      // A field may have gone since the dictionary was read.
      if (error instanceof FionaError && error.code === 'E_REDCAP_REFUSED') {
        this.#dictionaryReadAt = undefined
      }
      throw error
    })
    const hasNewRows = await this.#mirror.replace(rows)
    if (hasNewRows || hasNewDictionary) take(this.#mirror.rows, this.#dictionary)
    return hasNewRows || hasNewDictionary
  }
}
