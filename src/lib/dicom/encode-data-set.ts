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

/** Bytes, or a part of the source file (`DicomFile.range` reads it) that is too large to pass around. */
export type OutPart = Buffer | { readonly offset: number; readonly length: number }

const undefinedLength = 0xffffffff
const longestShortForm = 0xfffe

/**
 * The bytes of a data set in pieces, elements in order of their tags whatever order they are given
 * in. Odd values are padded. Sequences and items have undefined length, so that nothing is counted
 * ahead. Group lengths (gggg,0000), which are retired and would now be wrong, are left out.
 */
export function* encodeDataSet(
  elements: readonly OutElement[],
  encoding: Encoding,
): Generator<OutPart, void, undefined> {
  const ordered = [...elements].sort((a, b) => a.tag - b.tag)
  for (const element of ordered) {
    if ((element.tag & 0xffff) === 0 && element.tag > 0x0002ffff) continue
    if ('items' in element) yield* encodeSequence(element.tag, element.vr, element.items, encoding)
    else if ('copy' in element) yield* encodeCopy(element.tag, element.vr, element.copy, encoding)
    else yield* encodeValue(element.tag, element.vr, element.value, encoding)
  }
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
    yield delimiter(Tag.Item, undefinedLength, encoding)
    yield* encodeDataSet(item, encoding)
    yield delimiter(Tag.ItemDelimitation, 0, encoding)
  }
  yield delimiter(Tag.SequenceDelimitation, 0, encoding)
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

/** An element's header (PS3.5 7.1). What does not fit a 16 bit length is written as UN (6.2.2). */
function header(tag: number, vr: string, length: number, encoding: Encoding): Buffer {
  if (!encoding.explicitVR) return delimiter(tag, length, encoding)
  const isLong = hasLongForm(vr) || length > longestShortForm
  // From the slab that small buffers share: memory of its own costs each many times its size.
  const bytes = Buffer.allocUnsafe(isLong ? 12 : 8)
  if (isLong) bytes.writeUInt16LE(0, 6)
  writeTag(bytes, tag, encoding.littleEndian)
  bytes.write(isLong && !hasLongForm(vr) ? 'UN' : vr, 4, 2, 'latin1')
  if (isLong) writeUInt32(bytes, length, 8, encoding.littleEndian)
  else if (encoding.littleEndian) bytes.writeUInt16LE(length, 6)
  else bytes.writeUInt16BE(length, 6)
  return bytes
}

function delimiter(tag: number, length: number, { littleEndian }: Encoding): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  writeTag(bytes, tag, littleEndian)
  writeUInt32(bytes, length, 4, littleEndian)
  return bytes
}

function writeTag(bytes: Buffer, tag: number, littleEndian: boolean): void {
  if (littleEndian) {
    bytes.writeUInt16LE(tag >>> 16, 0)
    bytes.writeUInt16LE(tag & 0xffff, 2)
  } else {
    bytes.writeUInt32BE(tag, 0)
  }
}

function writeUInt32(bytes: Buffer, value: number, at: number, littleEndian: boolean): void {
  if (littleEndian) bytes.writeUInt32LE(value, at)
  else bytes.writeUInt32BE(value, at)
}
