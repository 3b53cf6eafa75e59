import {
  type DataSet,
  type DicomFile,
  decodeText,
  isDeclaredText,
  isPrivateCreator,
} from '../dicom/index.ts'

/** LO has 64 characters of up to four bytes, and somebody's padding. */
const longestCreator = 300

/** A data set, and where in its object it is: what decides about an element besides its tag. */
export class Surroundings {
  readonly file: DicomFile
  readonly dataSet: DataSet
  /** Tags of the sequences around it, the outermost first; none for the object itself. */
  readonly path: readonly number[]
  #creators: Map<number, string | undefined> | undefined

  constructor(file: DicomFile, dataSet: DataSet, path: readonly number[] = []) {
    this.file = file
    this.dataSet = dataSet
    this.path = path
  }

  /** An item of a sequence that is here. */
  inside(sequence: number, item: DataSet): Surroundings {
    return new Surroundings(this.file, item, [...this.path, sequence])
  }

  /**
   * Who reserved the block that a private element is in (PS3.5 7.8.1): the number of a block says nothing.
   * Undefined where nobody did, and where the same block is reserved twice: readers believe one or the other.
   */
  creatorOf(tag: number): string | undefined {
    const block = (tag >>> 8) & 0xff
    if (block < 0x10) return undefined
    return this.creatorAt(((tag & 0xffff0000) | block) >>> 0)
  }

  /** @param tag of the reservation itself, (gggg,00bb) */
  creatorAt(tag: number): string | undefined {
    this.#creators ??= this.#readCreators()
    return this.#creators.get(tag)
  }

  #readCreators(): Map<number, string | undefined> {
    const creators = new Map<number, string | undefined>()
    for (const element of this.dataSet.elements) {
      const { tag, vr, length, items } = element
      if (!isPrivateCreator(tag)) continue
      const isName = items === undefined && length <= longestCreator && (vr === 'LO' || vr === 'UN')
      const bytes = isName ? this.file.bytes(element) : Buffer.alloc(0)
      const { characterSets } = this.dataSet
      const isLegible = isDeclaredText(bytes, 'LO', characterSets)
      const name = isLegible ? decodeText(bytes, 'LO', characterSets) : ''
      const trimmed = name.replaceAll('\0', ' ').trim()
      creators.set(tag, creators.has(tag) || trimmed === '' ? undefined : trimmed)
    }
    return creators
  }
}
