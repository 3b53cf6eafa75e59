import type { DataSet, Element } from './data-set.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import { delimiter, evenLength, header, undefinedLength } from './encode-header.ts'
import { encodeItem, encodeValues, isShort, shortValuesFrom } from './encode-short-values.ts'
import { Tag, formatTag } from './tag.ts'
import type { Encoding } from './transfer-syntax.ts'
import { bytesPerUnit, paddingByte } from './value-representation.ts'

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

/**
 * The bytes of a data set in pieces, elements in order of their tags whatever order they are given
 * in. Odd values are padded. Sequences and items have undefined length, so that nothing is counted
 * ahead. Group lengths (gggg,0000), which are retired and would now be wrong, are left out.
 */
export function* encodeDataSet(
  elements: readonly OutElement[],
  encoding: Encoding,
): Generator<OutPart, void, undefined> {
  const ordered = inOrder(elements)
  for (let at = 0; at < ordered.length; at++) {
    const run = shortValuesFrom(ordered, at)
    if (run.length > 0) {
      yield encodeValues(run, encoding)
      at += run.length - 1
      continue
    }
    const element = ordered[at] as OutElement
    if ((element.tag & 0xffff) === 0 && element.tag > 0x0002ffff) continue
    if ('items' in element) yield* encodeSequence(element.tag, element.vr, element.items, encoding)
    else if ('copy' in element) yield* encodeCopy(element.tag, element.vr, element.copy, encoding)
    else if ('made' in element) yield* encodeMade(element.tag, element.vr, element.made, encoding)
    else yield* encodeValue(element.tag, element.vr, element.value, encoding)
  }
}

/** Sorting takes a kilobyte, which counts where there are many items; most come in order. */
function inOrder<T extends OutElement>(elements: readonly T[]): readonly T[] {
  let last = 0
  for (const { tag } of elements) {
    if (tag < last) return elements.toSorted((a, b) => a.tag - b.tag)
    last = tag
  }
  return elements
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
      yield encodeItem(inOrder(item), encoding)
      continue
    }
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
