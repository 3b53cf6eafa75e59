import type { DataSet, Element } from './data-set.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import { Tag, formatTag } from './tag.ts'
import type { Encoding } from './transfer-syntax.ts'
import { bytesPerUnit, hasLongForm, paddingByte } from './value-representation.ts'

/** One data element to be written. */
export type OutElement =
  | { readonly tag: number; readonly vr: string; readonly value: Buffer }
  /** A sequence; its items may be made while they are written. */
  | { readonly tag: number; readonly vr: 'SQ'; readonly items: Iterable<readonly OutElement[]> }
  /** The value as it is in the source file, fragments and sequences too. */
  | { readonly tag: number; readonly vr: string; readonly copy: Element }
  /** A value that is made piece by piece while it is written. */
  | { readonly tag: number; readonly vr: string; readonly made: MadeValue }

export interface MadeValue {
  readonly length: number
  /** It is encapsulated: the delimiter follows it, and is not part of it. */
  readonly undefinedLength: boolean
  /** Its bytes from there on into all of `target`. Asked for the same again it answers the same. */
  readInto(target: Buffer, at: number): void
}

/**
 * Bytes, or what is too large to pass around: a part of the source file (`DicomFile.range` reads it), or a value
 * that is made.
 */
export type OutPart = Buffer | { readonly offset: number; readonly length: number } | MadeValue

const undefinedLength = 0xffffffff
const longestShortForm = 0xfffe
/** An item up to this length is one piece: a hundred thousand items are not a million pieces. */
const longestItemInOnePiece = 2048

/**
 * The bytes of a data set in pieces, elements in order of their tags whatever order they are given
 * in. Odd values are padded. Sequences and items have undefined length, so that nothing is counted
 * ahead. Group lengths (gggg,0000), which are retired and would now be wrong, are left out.
 */
export function* encodeDataSet(
  elements: readonly OutElement[],
  encoding: Encoding,
): Generator<OutPart, void, undefined> {
  for (const element of inOrder(elements)) {
    if ((element.tag & 0xffff) === 0 && element.tag > 0x0002ffff) continue
    if ('items' in element) yield* encodeSequence(element.tag, element.vr, element.items, encoding)
    else if ('copy' in element) yield* encodeCopy(element.tag, element.vr, element.copy, encoding)
    else if ('made' in element) yield* encodeMade(element.tag, element.vr, element.made, encoding)
    else yield* encodeValue(element.tag, element.vr, element.value, encoding)
  }
}

/** Sorting takes a kilobyte, which counts where there are many items; most come in order. */
function inOrder<T extends OutElement>(elements: readonly T[]): readonly T[] {
  const isInOrder = elements.every(({ tag }, at) => tag >= (elements[at - 1]?.tag ?? 0))
  return isInOrder ? elements : elements.toSorted((a, b) => a.tag - b.tag)
}

function* encodeValue(
  tag: number,
  vr: string,
  value: Buffer,
  encoding: Encoding,
): Iterable<OutPart> {
  yield header(tag, vr, evenLength(value.length), encoding)
  yield value
  if (value.length % 2 !== 0) yield Buffer.of(paddingByte(vr))
}

function* encodeSequence(
  tag: number,
  vr: string,
  items: Iterable<readonly OutElement[]>,
  encoding: Encoding,
): Iterable<OutPart> {
  yield header(tag, vr, undefinedLength, encoding)
  for (const item of items) {
    if (isShort(item)) {
      yield encodeShortItem(item, encoding)
      continue
    }
    yield delimiter(Tag.Item, undefinedLength, encoding)
    yield* encodeDataSet(item, encoding)
    yield delimiter(Tag.ItemDelimitation, 0, encoding)
  }
  yield delimiter(Tag.SequenceDelimitation, 0, encoding)
}

type ValueElement = Extract<OutElement, { readonly value: Buffer }>

function isShort(item: readonly OutElement[]): item is readonly ValueElement[] {
  let most = 2 * delimiterBytes
  for (const element of item) {
    // Group lengths are left out, which only the long way does.
    if (!('value' in element) || (element.tag & 0xffff) === 0) return false
    most += longestHeader + element.value.length + 1
  }
  return most <= longestItemInOnePiece
}

function encodeShortItem(item: readonly ValueElement[], encoding: Encoding): Buffer {
  const ordered = inOrder(item)
  let length = 2 * delimiterBytes
  for (const { vr, value } of ordered) {
    const even = evenLength(value.length)
    length += headerBytes(vr, even, encoding) + even
  }
  const bytes = Buffer.allocUnsafe(length)
  let at = writeDelimiter(bytes, 0, Tag.Item, undefinedLength, encoding)
  for (const { tag, vr, value } of ordered) {
    at = writeHeader(bytes, at, { tag, vr, length: evenLength(value.length) }, encoding)
    at += value.copy(bytes, at)
    if (value.length % 2 !== 0) at = bytes.writeUInt8(paddingByte(vr), at)
  }
  writeDelimiter(bytes, at, Tag.ItemDelimitation, 0, encoding)
  return bytes
}

function* encodeCopy(
  tag: number,
  vr: string,
  copy: Element,
  encoding: Encoding,
): Iterable<OutPart> {
  if (copy.items !== undefined && !copy.items.every((item) => isAlike(item, encoding))) {
    yield* encodeSequence(
      tag,
      'SQ',
      copy.items.map((item) => copiesOf(item, encoding)),
      encoding,
    )
    return
  }
  const { offset, length } = copy
  if (copy.undefinedLength) {
    yield header(tag, vr, undefinedLength, encoding)
    if (length > 0) yield { offset, length }
    yield delimiter(Tag.SequenceDelimitation, 0, encoding)
    return
  }
  yield header(tag, vr, evenLength(length), encoding)
  if (length > 0) yield { offset, length }
  if (length % 2 !== 0) yield Buffer.of(paddingByte(vr))
}

function* encodeMade(
  tag: number,
  vr: string,
  made: MadeValue,
  encoding: Encoding,
): Iterable<OutPart> {
  const { length } = made
  yield header(tag, vr, made.undefinedLength ? undefinedLength : evenLength(length), encoding)
  if (length > 0) yield made
  if (made.undefinedLength) yield delimiter(Tag.SequenceDelimitation, 0, encoding)
  else if (length % 2 !== 0) yield Buffer.of(paddingByte(vr))
}

/** Can the bytes of this item, and all within it, stand in a data set of that encoding? */
function isAlike(item: DataSet, encoding: Encoding): boolean {
  return (
    item.explicitVR === encoding.explicitVR &&
    item.littleEndian === encoding.littleEndian &&
    item.elements.every(({ vr, items }) => {
      // UN keeps its contents in implicit VR whatever is around it.
      if (items === undefined || vr === 'UN') return true
      return items.every((inner) => isAlike(inner, encoding))
    })
  )
}

/** An item of another encoding is written anew. Only numbers of the other byte order cannot be. */
function copiesOf(item: DataSet, encoding: Encoding): OutElement[] {
  return item.elements.map((copy) => {
    const swaps = item.littleEndian !== encoding.littleEndian && copy.items === undefined
    if (swaps && (bytesPerUnit(copy.vr) > 1 || copy.vr === 'UN') && copy.length > 0) {
      const message = `${formatTag(copy.tag)} has the other byte order and cannot be copied`
      throw new FionaError('E_DICOM_ENCODE', message, {
        hint: 'convert the file to explicit VR little endian first',
        exitCode: ExitCode.badInput,
      })
    }
    return { tag: copy.tag, vr: copy.vr, copy }
  })
}

function evenLength(length: number): number {
  const even = length + (length % 2)
  if (even < undefinedLength) return even
  throw new RangeError(`a value of ${String(length)} bytes has no length in DICOM`)
}

const delimiterBytes = 8
const longestHeader = 12

function header(tag: number, vr: string, length: number, encoding: Encoding): Buffer {
  // From the slab that small buffers share: memory of its own costs each many times its size.
  const bytes = Buffer.allocUnsafe(headerBytes(vr, length, encoding))
  writeHeader(bytes, 0, { tag, vr, length }, encoding)
  return bytes
}

function headerBytes(vr: string, length: number, { explicitVR }: Encoding): number {
  return explicitVR && isLongForm(vr, length) ? longestHeader : 8
}

function isLongForm(vr: string, length: number): boolean {
  return hasLongForm(vr) || length > longestShortForm
}

/**
 * An element's header (PS3.5 7.1). What does not fit a 16 bit length is written as UN (6.2.2).
 * @returns where it ends
 */
function writeHeader(
  bytes: Buffer,
  at: number,
  { tag, vr, length }: { readonly tag: number; readonly vr: string; readonly length: number },
  encoding: Encoding,
): number {
  if (!encoding.explicitVR) return writeDelimiter(bytes, at, tag, length, encoding)
  const { littleEndian } = encoding
  writeTag(bytes, tag, at, littleEndian)
  if (!isLongForm(vr, length)) {
    bytes.write(vr, at + 4, 2, 'latin1')
    return littleEndian ? bytes.writeUInt16LE(length, at + 6) : bytes.writeUInt16BE(length, at + 6)
  }
  bytes.write(hasLongForm(vr) ? vr : 'UN', at + 4, 2, 'latin1')
  bytes.writeUInt16LE(0, at + 6)
  return writeUInt32(bytes, length, at + 8, littleEndian)
}

function delimiter(tag: number, length: number, encoding: Encoding): Buffer {
  const bytes = Buffer.allocUnsafe(delimiterBytes)
  writeDelimiter(bytes, 0, tag, length, encoding)
  return bytes
}

/** @returns where it ends */
function writeDelimiter(
  bytes: Buffer,
  at: number,
  tag: number,
  length: number,
  { littleEndian }: Encoding,
): number {
  writeTag(bytes, tag, at, littleEndian)
  return writeUInt32(bytes, length, at + 4, littleEndian)
}

function writeTag(bytes: Buffer, tag: number, at: number, littleEndian: boolean): void {
  if (littleEndian) {
    bytes.writeUInt16LE(tag >>> 16, at)
    bytes.writeUInt16LE(tag & 0xffff, at + 2)
  } else {
    bytes.writeUInt32BE(tag, at)
  }
}

function writeUInt32(bytes: Buffer, value: number, at: number, littleEndian: boolean): number {
  return littleEndian ? bytes.writeUInt32LE(value, at) : bytes.writeUInt32BE(value, at)
}
