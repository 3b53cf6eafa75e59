import { type ByteSource } from './byte-source.ts'
import { noteControl } from './control-values.ts'
import { type Element, ParsedDataSet, isPixelData } from './data-set.ts'
import { vrOf } from './dictionary.ts'
import {
  type Header,
  headerOf,
  readHeader,
  readItemHeader,
  readTag,
  undefinedLength,
} from './element-header.ts'
import { implicitLittleEndian, isItemExplicit } from './item-encoding.ts'
import type { ParseOptions } from './parse-options.ts'
import { Tag, formatTag } from './tag.ts'
import type { Encoding } from './transfer-syntax.ts'
import { limitError, parseError } from './trouble.ts'
import { FionaError } from '../error/index.ts'

/** Sequences inside sequences. Real objects (structured reports) have some 20 levels. */
const deepestNesting = 64
/** Elements, items and fragments of one file together. An enhanced object with 10,000 frames has about a million. */
const mostParts = 5_000_000
/** Elements of the object itself, where only these are kept. Real objects have some hundred, few a thousand. */
const mostElements = 100_000
/** Elements and items that are kept of sequences which somebody asks for, where only those are. */
const mostKeptInside = 100_000

/** Where a data set ends: with its bytes, or at an item delimiter. */
interface Extent {
  readonly start: number
  readonly end: number
  readonly delimited: boolean
}

/**
 * Walks the headers of a data set (PS3.5 section 7) and notes where the values are. It recurses
 * only into sequences and at most `deepestNesting` levels.
 */
export class DataSetParser {
  readonly #source: ByteSource
  readonly #stopAtPixelData: boolean
  readonly #maxParts: number
  readonly #topLevelOnly: boolean
  readonly #keptSequences: ReadonlySet<number> | undefined
  #keptInside = 0
  readonly #itemByItem: number | undefined
  /** Elements deeper than that are walked and not kept. */
  #keptDepth: number
  #parts = 0

  constructor(source: ByteSource, options: ParseOptions = {}) {
    this.#source = source
    this.#stopAtPixelData = options.stopAtPixelData ?? false
    this.#maxParts = options.maxParts ?? mostParts
    this.#topLevelOnly = options.topLevelOnly ?? false
    this.#keptDepth = this.#topLevelOnly ? 0 : Infinity
    this.#keptSequences = options.keptSequences
    this.#itemByItem = options.itemByItem
  }

  /** The data set from `offset` to the end of the source, or to where it was told to stop. */
  parse(offset: number, encoding: Encoding): { dataSet: ParsedDataSet; end: number } {
    const dataSet = new ParsedDataSet(encoding.littleEndian, encoding.explicitVR)
    const extent = { start: offset, end: this.#source.size, delimited: false }
    return { dataSet, end: this.#readDataSet(dataSet, extent, 0) }
  }

  /**
   * Goes on where `parse` stopped for `itemByItem`. Each item is parsed when it is asked for, and is its
   * taker's alone: of a sequence as long as one likes no more than one is in memory. What is behind the
   * sequence is parsed last, into the data set.
   * @returns where it ends
   */
  *walkSequence(dataSet: ParsedDataSet, offset: number): Generator<ParsedDataSet, number> {
    const { size } = this.#source
    if (offset >= size) return offset
    const header = readHeader(this.#source, dataSet, offset, size)
    const { tag, length, offset: start } = header
    const vr = dataSet.explicitVR ? header.vr : 'SQ'
    let position: number
    if (vr === 'SQ' || vr === 'UN') {
      this.#count(offset)
      const delimited = length === undefinedLength
      const end = delimited ? size : start + length
      if (end > size) throw parseError(`${formatTag(tag)} claims more bytes than are left`, start)
      const encoding = vr === 'UN' ? implicitLittleEndian : dataSet
      this.#keptDepth = Math.max(this.#keptDepth, 1)
      const valueEnd = yield* this.#walkItems(dataSet, encoding, { start, end, delimited }, 0)
      this.#keptDepth = this.#topLevelOnly ? 0 : Infinity
      position = delimited ? valueEnd + 8 : end
    } else {
      // No sequence, whatever its tag is: there is nothing to yield.
      position = this.#readElement(dataSet, header, size, 0)
    }
    const end = this.#readDataSet(dataSet, { start: position, end: size, delimited: false }, 0)
    if (end < size) throw parseError(`${formatTag(tag)} is there twice`, end)
    return end
  }

  /** Elements of one group only, for file meta information. Returns where the next group begins. */
  parseGroup(dataSet: ParsedDataSet, offset: number, group: number): number {
    const end = this.#source.size
    let position = offset
    while (position < end) {
      const at = this.#source.at(position, Math.min(8, end - position))
      if (end - position < 8)
        throw parseError('the file ends inside the header of an element', position)
      if (readTag(this.#source.buffer, at, dataSet.littleEndian) >>> 16 !== group) break
      position = this.#readElement(
        dataSet,
        readHeader(this.#source, dataSet, position, end),
        end,
        0,
      )
    }
    return position
  }

  /** Returns where the bytes after the data set begin, its delimiter included in them. */
  #readDataSet(dataSet: ParsedDataSet, extent: Extent, depth: number): number {
    let position = extent.start
    while (position < extent.end) {
      const header = readHeader(this.#source, dataSet, position, extent.end)
      if (header.tag >>> 16 === 0xfffe) {
        if (extent.delimited && header.tag === Tag.ItemDelimitation) return position
        throw parseError(`${formatTag(header.tag)} where a data element should be`, position)
      }
      if (depth === 0) {
        if (this.#stopsAt(header.tag)) return position
        const isAskedFor = this.#keptSequences?.has(header.tag) === true
        this.#keptDepth = isAskedFor || !this.#topLevelOnly ? Infinity : 0
      }
      position = this.#readElement(dataSet, header, extent.end, depth)
      if (this.#topLevelOnly && dataSet.elements.length > mostElements) {
        throw limitError(`more than ${String(mostElements)} elements`, position)
      }
    }
    if (extent.delimited) throw parseError('an item of undefined length has no end', extent.start)
    return position
  }

  #stopsAt(tag: number): boolean {
    return (this.#stopAtPixelData && isPixelData(tag)) || tag === this.#itemByItem
  }

  /** Returns where the next element begins. */
  #readElement(dataSet: ParsedDataSet, header: Header, end: number, depth: number): number {
    const { tag, length, offset } = header
    this.#count(offset)
    const vr = dataSet.explicitVR ? header.vr : (vrOf(tag, dataSet.signedPixels) ?? 'UN')
    if (length === undefinedLength)
      return this.#readUndefined(dataSet, { ...header, vr }, end, depth)
    const valueEnd = offset + length
    if (valueEnd > end) {
      const claim = `${formatTag(tag)} claims ${String(length)} bytes, ${String(end - offset)} are left`
      throw parseError(claim, offset)
    }
    const leaf = vr === header.vr ? header : headerOf(tag, vr, length, offset)
    if (vr === 'SQ') {
      const items = this.#readItems(
        dataSet,
        dataSet,
        { start: offset, end: valueEnd, delimited: false },
        depth,
      )
      this.#keep(dataSet, { ...leaf, items: items.items }, depth)
    } else if (vr === 'UN' && length > 0 && vrOf(tag) === 'SQ') {
      this.#keep(dataSet, this.#tryAsSequence(dataSet, leaf, depth), depth)
    } else {
      this.#keep(dataSet, leaf, depth)
      noteControl(this.#source, dataSet, leaf)
    }
    return valueEnd
  }

  #readUndefined(dataSet: ParsedDataSet, header: Header, end: number, depth: number): number {
    const { tag, vr, offset } = header
    if (isPixelData(tag) || vr === 'OB' || vr === 'OW') {
      const { fragments, valueEnd } = this.#readFragments(dataSet, offset, end)
      const length = valueEnd - offset
      this.#keep(dataSet, { tag, vr, offset, length, undefinedLength: true, fragments }, depth)
      return valueEnd + 8
    }
    // Inside UN everything is implicit VR little endian, whatever is around it (PS3.5 6.2.2 note 2).
    const inside = vr === 'UN' ? implicitLittleEndian : dataSet
    const { items, valueEnd } = this.#readItems(
      dataSet,
      inside,
      { start: offset, end, delimited: true },
      depth,
    )
    // In implicit VR nothing but a sequence can have undefined length (PS3.5 7.5).
    const found = dataSet.explicitVR ? vr : 'SQ'
    const length = valueEnd - offset
    this.#keep(dataSet, { tag, vr: found, offset, length, undefinedLength: true, items }, depth)
    return valueEnd + 8
  }

  #keep(dataSet: ParsedDataSet, element: Element, depth: number): void {
    if (depth <= this.#keptDepth) dataSet.add(element)
    if (depth > 0) this.#countInside()
  }

  /** What is kept of sequences where few are has a bound: a hostile object has millions of items. */
  #countInside(): void {
    if (!this.#topLevelOnly || this.#keptDepth !== Infinity) return
    if (++this.#keptInside > mostKeptInside) this.#keptDepth = 0
  }

  /** Items of a sequence. `valueEnd` is where its delimiter, or what follows, begins. */
  #readItems(
    parent: ParsedDataSet,
    encoding: Encoding,
    extent: Extent,
    depth: number,
  ): { items: ParsedDataSet[]; valueEnd: number } {
    const items: ParsedDataSet[] = []
    const walk = this.#walkItems(parent, encoding, extent, depth)
    for (;;) {
      const { done, value } = walk.next()
      if (done === true) return { items, valueEnd: value }
      if (depth >= this.#keptDepth) continue
      items.push(value)
      this.#countInside()
    }
  }

  /** The items of a sequence, one after the other (PS3.5 7.5.1). Returns where its delimiter, or what follows, begins. */
  *#walkItems(
    parent: ParsedDataSet,
    encoding: Encoding,
    extent: Extent,
    depth: number,
  ): Generator<ParsedDataSet, number> {
    if (depth >= deepestNesting) {
      const message = `sequences are nested more than ${String(deepestNesting)} levels deep`
      throw limitError(message, extent.start)
    }
    let position = extent.start
    while (position < extent.end) {
      const { tag, length, offset } = readItemHeader(this.#source, encoding, position, extent.end)
      if (tag === Tag.SequenceDelimitation && extent.delimited) return position
      if (tag !== Tag.Item) throw parseError(`${formatTag(tag)} where an item should be`, position)
      this.#count(position)
      const delimited = length === undefinedLength
      const itemEnd = delimited ? extent.end : offset + length
      if (itemEnd > extent.end) {
        throw parseError(`an item claims ${String(length)} bytes, more than are left`, position)
      }
      const explicitVR = isItemExplicit(this.#source, encoding, offset, itemEnd)
      const item = new ParsedDataSet(encoding.littleEndian, explicitVR, parent)
      const after = this.#readDataSet(item, { start: offset, end: itemEnd, delimited }, depth + 1)
      yield item
      position = delimited ? after + 8 : itemEnd
    }
    if (extent.delimited)
      throw parseError('a sequence of undefined length has no end', extent.start)
    return position
  }

  #readFragments(
    encoding: Encoding,
    start: number,
    end: number,
  ): { fragments: { offset: number; length: number }[]; valueEnd: number } {
    const fragments: { offset: number; length: number }[] = []
    for (let position = start; ;) {
      const { tag, length, offset } = readItemHeader(this.#source, encoding, position, end)
      if (tag === Tag.SequenceDelimitation) return { fragments, valueEnd: position }
      if (tag !== Tag.Item)
        throw parseError(`${formatTag(tag)} where a fragment should be`, position)
      if (offset + length > end) {
        throw parseError(`a fragment claims ${String(length)} bytes, more than are left`, position)
      }
      this.#count(position)
      if (!this.#topLevelOnly) fragments.push({ offset, length })
      position = offset + length
    }
  }

  /** A standard sequence that somebody passed on as UN of known length: its contents, if they parse. */
  #tryAsSequence(dataSet: ParsedDataSet, leaf: Element, depth: number): Element {
    const extent = { start: leaf.offset, end: leaf.offset + leaf.length, delimited: false }
    try {
      return { ...leaf, items: this.#readItems(dataSet, implicitLittleEndian, extent, depth).items }
    } catch (error) {
      if (error instanceof FionaError && error.code === 'E_DICOM_PARSE') return leaf
      throw error
    }
  }

  #count(offset: number): void {
    this.#parts += 1
    if (this.#parts > this.#maxParts) {
      throw limitError(`more than ${String(this.#maxParts)} elements, items and fragments`, offset)
    }
  }
}
