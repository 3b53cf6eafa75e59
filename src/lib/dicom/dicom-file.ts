import { BufferSource, type ByteSource, FileSource, JoinedSource } from './byte-source.ts'
import type { DataSet, Element, ParsedDataSet } from './data-set.ts'
import { encodeFileMeta } from './encode-file-meta.ts'
import { DataSetParser } from './parse-data-set.ts'
import type { ParseOptions } from './parse-options.ts'
import { inflateDataSet, readFileHead } from './part10.ts'
import { limitError } from './trouble.ts'
import { numbersOf, stringsOf } from './values.ts'

/** Texts and numbers are for people and rules; a longer value is bulk data and read with `bytes`. */
const longestReadableValue = 16 << 20

/** Up to here a value is looked at where it is in the window; most headers have none that is longer. */
const shortValue = 1024

/**
 * A DICOM file (PS3.10) or bare data set, of any size: opening it walks the headers, and values
 * are read when they are asked for. Everything throws FionaError E_DICOM_PARSE (not DICOM or
 * damaged), E_DICOM_LIMIT (absurd) or E_FILE_READ.
 */
export class DicomFile {
  readonly meta: DataSet
  readonly dataSet: DataSet
  readonly #parsed: ParsedDataSet
  readonly #parser: DataSetParser
  /** Of the bytes as they are, should the file meta information claim another. */
  readonly transferSyntaxUID: string
  /** Bytes of the file. */
  readonly size: number
  readonly dataSetOffset: number
  readonly littleEndian: boolean
  readonly explicitVR: boolean
  /** Offsets behind `dataSetOffset` then count inflated bytes; `bytes` and `range` know. */
  readonly deflated: boolean
  readonly #source: ByteSource
  /** Where parsing stopped. */
  readonly #end: number

  private constructor(source: ByteSource, options: ParseOptions, inflated?: ByteSource) {
    const head = readFileHead(source)
    this.size = source.size
    this.meta = head.meta
    this.transferSyntaxUID = head.transferSyntaxUID
    this.dataSetOffset = head.dataSetOffset
    this.littleEndian = head.encoding.littleEndian
    this.explicitVR = head.encoding.explicitVR
    this.deflated = head.deflated
    this.#source = head.deflated
      ? (inflated ?? inflateDataSet(source, head.dataSetOffset, options.maxInflatedBytes))
      : source
    const parser = new DataSetParser(this.#source, options)
    const { dataSet, end } = parser.parse(head.dataSetOffset, head.encoding)
    this.#parser = parser
    this.dataSet = this.#parsed = dataSet
    this.#end = end
    if (this.#source !== source) source.close()
  }

  static open(path: string, options: ParseOptions = {}): DicomFile {
    return DicomFile.#read(new FileSource(path), options)
  }

  /**
   * A file that is open already, so that what is read is what was opened, whatever its name means by
   * now. The descriptor stays the caller's and must stay open as long as this object is used.
   * @param name what messages call it
   * @param options `inflated`: where `inflateFile` has written it, if its data set is deflated; without that
   *   it is inflated in memory; `head`: its first bytes, where they are in memory, borrowed until `close`
   */
  static fromDescriptor(
    fd: number,
    name: string,
    options: ParseOptions & {
      readonly inflated?: number | undefined
      readonly head?: Buffer | undefined
    } = {},
  ): DicomFile {
    const { inflated, head } = options
    const second = inflated === undefined ? undefined : new FileSource(name, inflated)
    return DicomFile.#read(new FileSource(name, fd, head), options, second)
  }

  static #read(source: FileSource, options: ParseOptions, inflated?: FileSource): DicomFile {
    try {
      return new DicomFile(source, options, inflated)
    } catch (error) {
      source.close()
      inflated?.close()
      throw error
    }
  }

  /** The buffer is borrowed for the life of the object. */
  static fromBuffer(buffer: Buffer, options: ParseOptions = {}): DicomFile {
    return new DicomFile(new BufferSource(buffer), options)
  }

  /**
   * A data set as it comes over the network, without a file header (PS3.7 6.3.2). The bytes are borrowed for
   * the life of the object.
   */
  static fromDataSet(
    bytes: Buffer,
    transferSyntaxUID: string,
    options: ParseOptions = {},
  ): DicomFile {
    const header = encodeFileMeta({
      MediaStorageSOPClassUID: '',
      MediaStorageSOPInstanceUID: '',
      TransferSyntaxUID: transferSyntaxUID,
    })
    return new DicomFile(new JoinedSource(header, bytes), options)
  }

  /**
   * Proves that nothing is cut off a file that was opened with `stopAtPixelData`: walks the headers of
   * the pixel data and of what follows, none of their bytes. Without it a truncated image looks whole.
   * @throws FionaError E_DICOM_PARSE where the file ends too early, or E_DICOM_LIMIT
   */
  requireWhole(): void {
    if (this.#end < this.#source.size) new DataSetParser(this.#source).parse(this.#end, this)
  }

  /**
   * The items of the sequence that `itemByItem` named, each parsed when it is asked for and kept by nobody
   * else; `dataSet` has what is behind the sequence when the last was taken. To be asked once.
   * @throws FionaError E_DICOM_PARSE or E_DICOM_LIMIT
   */
  *items(): Generator<DataSet, void, undefined> {
    yield* this.#parser.walkSequence(this.#parsed, this.#end)
  }

  /** The value as it is in the file, however long. The buffer is the caller's. */
  bytes(element: Element): Buffer {
    return this.#source.read(element.offset, element.length)
  }

  /** Any part of the file, for the ranges that `encodeDataSet` yields. */
  range(offset: number, length: number): Buffer {
    return this.#source.read(offset, length)
  }

  /** The same into all of `target`: copying large parts needs one buffer, not one for each. */
  rangeInto(target: Buffer, offset: number): void {
    this.#source.readInto(target, offset)
  }

  /** The first value; undefined when the element is absent or empty. */
  string(dataSet: DataSet, tag: number): string | undefined {
    return this.strings(dataSet, tag)[0]
  }

  /** All values as text, trimmed as the VR says, numbers included; [] for bytes and sequences. */
  strings(dataSet: DataSet, tag: number): string[] {
    const element = dataSet.get(tag)
    if (element === undefined || element.length === 0) return []
    return stringsOf(dataSet, element, () => this.#readable(element))
  }

  /** The bytes of a short value, each as the character of its number: whether it was seen before shows without a look at its meaning. */
  rawText({ offset, length }: Element): string {
    const at = this.#source.at(offset, length)
    return this.#source.buffer.toString('latin1', at, at + length)
  }

  /** Whether a short value is exactly these bytes. No text and no copy is made of it. */
  holds({ offset, length }: Element, bytes: Uint8Array): boolean {
    if (length !== bytes.length) return false
    const start = this.#source.at(offset, length)
    const { buffer } = this.#source
    // From the end: numbers, UIDs and times that count up differ there.
    for (let at = length - 1; at >= 0; at--) if (buffer[start + at] !== bytes[at]) return false
    return true
  }

  /** All values as numbers; NaN where text (IS, DS) is none, [] for other text. */
  numbers(dataSet: DataSet, tag: number): number[] {
    const element = dataSet.get(tag)
    if (element === undefined || element.length === 0) return []
    return numbersOf(dataSet, element, () => this.#readable(element))
  }

  close(): void {
    this.#source.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Borrowed until the next value is asked for. */
  #readable(element: Element): Buffer {
    if (element.length > longestReadableValue) {
      const message = `a value of ${String(element.length)} bytes is too long for text or numbers`
      throw limitError(message, element.offset)
    }
    const { offset, length } = element
    if (length > shortValue) return this.bytes(element)
    const at = this.#source.at(offset, length)
    return this.#source.buffer.subarray(at, at + length)
  }
}
