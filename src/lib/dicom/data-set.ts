import { Tag } from './tag.ts'

/** Where one data element is in its file, and what is inside it. Values stay in the file. */
export interface Element {
  readonly tag: number
  /** As found; from the dictionary in implicit VR, and `UN` where it does not know. */
  readonly vr: string
  /** Where the value begins. */
  readonly offset: number
  /** Bytes of the value; with undefined length up to, not including, the delimiter. */
  readonly length: number
  readonly undefinedLength: boolean
  /** Of a sequence; also of a UN or implicit VR element that turned out to be one. */
  readonly items?: readonly DataSet[]
  /** Of encapsulated pixel data (PS3.5 A.4); the first is the basic offset table. */
  readonly fragments?: readonly { readonly offset: number; readonly length: number }[]
}

/** The data elements of an object, or of one item of a sequence, in file order. */
export interface DataSet {
  readonly elements: readonly Element[]
  /** Of several with the same tag, which the standard forbids, the first. */
  get(tag: number): Element | undefined
  /** Defined terms of Specific Character Set, inherited from the data sets around (PS3.5 7.5.3). */
  readonly characterSets: readonly string[]
  readonly parent?: DataSet
  /** How these bytes are encoded: items inside UN are implicit VR in explicit VR files (PS3.5 6.2.2). */
  readonly littleEndian: boolean
  readonly explicitVR: boolean
}

/** A data set while it is parsed. */
export class ParsedDataSet implements DataSet {
  readonly elements: Element[] = []
  readonly parent?: ParsedDataSet
  readonly littleEndian: boolean
  readonly explicitVR: boolean
  ownCharacterSets: readonly string[] | undefined
  ownSignedPixels: boolean | undefined
  #ascending = true
  #byTag: Map<number, Element> | undefined

  constructor(littleEndian: boolean, explicitVR: boolean, parent?: ParsedDataSet) {
    this.littleEndian = littleEndian
    this.explicitVR = explicitVR
    if (parent !== undefined) this.parent = parent
  }

  get characterSets(): readonly string[] {
    return this.ownCharacterSets ?? this.parent?.characterSets ?? []
  }

  /** Pixel Representation (0028,0103) here or around; it decides US or SS (PS3.5 annex A.1). */
  get signedPixels(): boolean {
    return this.ownSignedPixels ?? this.parent?.signedPixels ?? false
  }

  add(element: Element): void {
    const last = this.elements.at(-1)
    if (last !== undefined && last.tag >= element.tag) this.#ascending = false
    this.elements.push(element)
  }

  get(tag: number): Element | undefined {
    return this.#ascending ? this.#search(tag) : this.#index().get(tag)
  }

  #search(tag: number): Element | undefined {
    let low = 0
    let high = this.elements.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const element = this.elements[middle]
      if (element === undefined || element.tag === tag) return element
      if (element.tag < tag) low = middle + 1
      else high = middle - 1
    }
    return undefined
  }

  #index(): Map<number, Element> {
    if (this.#byTag !== undefined) return this.#byTag
    this.#byTag = new Map()
    for (const element of this.elements) {
      if (!this.#byTag.has(element.tag)) this.#byTag.set(element.tag, element)
    }
    return this.#byTag
  }
}

export function isPixelData(tag: number): boolean {
  return tag === Tag.PixelData || tag === Tag.FloatPixelData || tag === Tag.DoubleFloatPixelData
}
