import type { OutElement } from './encode-data-set.ts'
import {
  delimiterBytes,
  evenLength,
  headerBytes,
  longestHeader,
  undefinedLength,
  writeDelimiter,
  writeHeader,
} from './encode-header.ts'
import { Tag } from './tag.ts'
import type { Encoding } from './transfer-syntax.ts'
import { paddingByte } from './value-representation.ts'

/** Short values, and items of them, are one piece up to this length: a hundred thousand items are not a million pieces. */
const longestPiece = 2048

/** An element with its value in memory. */
export interface ValueElement {
  readonly tag: number
  readonly vr: string
  readonly value: Buffer
}

/**
 * As many of the elements from there on as fit into one piece.
 * @param around bytes of what else is in it
 */
export function shortValuesFrom(
  elements: readonly OutElement[],
  from: number,
  around = 0,
): readonly ValueElement[] {
  const run: ValueElement[] = []
  let most = around
  for (let at = from; at < elements.length; at++) {
    const element = elements[at] as OutElement
    if (!isValue(element)) break
    most += longestHeader + element.value.length + 1
    if (most > longestPiece) break
    run.push(element)
  }
  return run
}

/** Group lengths are left out, which only the long way does. */
function isValue(element: OutElement): element is ValueElement {
  return 'value' in element && (element.tag & 0xffff) !== 0
}

export function isShort(item: readonly OutElement[]): item is readonly ValueElement[] {
  return shortValuesFrom(item, 0, 2 * delimiterBytes).length === item.length
}

/** @param item in order of its tags */
export function encodeItem(item: readonly ValueElement[], encoding: Encoding): Buffer {
  const bytes = Buffer.allocUnsafe(2 * delimiterBytes + bytesOf(item, encoding))
  let at = writeDelimiter(bytes, 0, Tag.Item, undefinedLength, encoding)
  at = writeValues(bytes, at, item, encoding)
  writeDelimiter(bytes, at, Tag.ItemDelimitation, 0, encoding)
  return bytes
}

/** @param elements in order of their tags */
export function encodeValues(elements: readonly ValueElement[], encoding: Encoding): Buffer {
  const bytes = Buffer.allocUnsafe(bytesOf(elements, encoding))
  writeValues(bytes, 0, elements, encoding)
  return bytes
}

function bytesOf(elements: readonly ValueElement[], encoding: Encoding): number {
  let length = 0
  for (const { vr, value } of elements) {
    const even = evenLength(value.length)
    length += headerBytes(vr, even, encoding) + even
  }
  return length
}

/** @returns where they end */
function writeValues(
  bytes: Buffer,
  start: number,
  elements: readonly ValueElement[],
  encoding: Encoding,
): number {
  let at = start
  for (const { tag, vr, value } of elements) {
    at = writeHeader(bytes, at, tag, vr, evenLength(value.length), encoding)
    bytes.set(value, at)
    at += value.length
    if (value.length % 2 !== 0) at = bytes.writeUInt8(paddingByte(vr), at)
  }
  return at
}
