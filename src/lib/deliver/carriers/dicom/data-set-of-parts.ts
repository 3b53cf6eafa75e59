import type { DicomFile, OutPart } from '../../../dicom/index.ts'
import type { DataSetSource } from '../../../dimse/index.ts'

/** A data set that is written anew while it is sent. Values stay in the file until then. */
export class DataSetOfParts implements DataSetSource {
  readonly length: number
  readonly #file: DicomFile
  readonly #parts: readonly OutPart[]
  readonly #dispose: () => void
  /** The part that comes next, and how much of it has gone. */
  #next = 0
  #gone = 0

  /** @param dispose of what belongs to it, the file too */
  constructor(file: DicomFile, parts: Iterable<OutPart>, dispose: () => void) {
    this.#file = file
    this.#parts = [...parts]
    this.#dispose = dispose
    this.length = this.#parts.reduce((sum, { length }) => sum + length, 0)
  }

  /** Nothing of the file itself is shown. */
  fill(gaps: readonly Buffer[]): readonly Buffer[] {
    for (const gap of gaps) {
      for (let done = 0; done < gap.length;) {
        const part = this.#parts[this.#next]
        if (part === undefined) throw new Error('more was asked for than there is')
        const bytes = Math.min(part.length - this.#gone, gap.length - done)
        this.#read(part, gap.subarray(done, done + bytes))
        done += bytes
        this.#gone += bytes
        if (this.#gone < part.length) continue
        this.#next++
        this.#gone = 0
      }
    }
    return []
  }

  [Symbol.dispose](): void {
    this.#dispose()
  }

  #read(part: OutPart, target: Buffer): void {
    if (Buffer.isBuffer(part)) part.copy(target, 0, this.#gone)
    else if ('readInto' in part) part.readInto(target, this.#gone)
    else this.#file.rangeInto(target, part.offset + this.#gone)
  }
}
