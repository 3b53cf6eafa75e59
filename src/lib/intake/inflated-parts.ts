import { inflateFile, isDeflated } from '../dicom/index.ts'
import type { ArchivePart } from '../storage/index.ts'

/** Deflated data sets, each in a part of its own to be read there and removed; inflated one at a time. */
export class InflatedParts {
  readonly #begin: () => Promise<ArchivePart>
  #last: Promise<void> = Promise.resolve()

  /** @param begin gives a part to inflate into */
  constructor(begin: () => Promise<ArchivePart>) {
    this.#begin = begin
  }

  /**
   * @param name of the object, in messages
   * @param head the first bytes of the part, where they are in memory
   * @returns undefined where nothing is deflated; else a part that the caller discards
   * @throws FionaError E_DICOM_PARSE, E_DICOM_LIMIT
   */
  async of(
    part: ArchivePart,
    name: string,
    head: Buffer | undefined,
  ): Promise<ArchivePart | undefined> {
    if (!isDeflated(part.fd, name, head)) return undefined
    const into = await this.#begin()
    const inflating = this.#last.then(() => inflateFile(part.fd, into.fd, name))
    this.#last = inflating.catch(() => undefined)
    try {
      await inflating
      return into
    } catch (error) {
      await into.discard().catch(() => undefined)
      throw error
    }
  }
}
