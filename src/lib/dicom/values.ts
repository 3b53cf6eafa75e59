import { decodeText } from './decode-text.ts'
import { type DataSet, type Element, ParsedDataSet } from './data-set.ts'
import { vrOf } from './dictionary.ts'
import { formatTag } from './tag.ts'
import {
  bytesPerUnit,
  isText,
  leadingSpaceCounts,
  splitsAtBackslash,
} from './value-representation.ts'

type Read<Result> = (bytes: Buffer, at: number, littleEndian: boolean) => Result

/** Whole numbers of 64 bits, most of which are no `number`. */
const longReaders: Readonly<Record<string, Read<bigint>>> = {
  UV: (bytes, at, le) => (le ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at)),
  SV: (bytes, at, le) => (le ? bytes.readBigInt64LE(at) : bytes.readBigInt64BE(at)),
}

const numberReaders: Readonly<Record<string, Read<number>>> = {
  US: (bytes, at, le) => (le ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at)),
  SS: (bytes, at, le) => (le ? bytes.readInt16LE(at) : bytes.readInt16BE(at)),
  UL: (bytes, at, le) => (le ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)),
  SL: (bytes, at, le) => (le ? bytes.readInt32LE(at) : bytes.readInt32BE(at)),
  FL: (bytes, at, le) => (le ? bytes.readFloatLE(at) : bytes.readFloatBE(at)),
  FD: (bytes, at, le) => (le ? bytes.readDoubleLE(at) : bytes.readDoubleBE(at)),
  AT: (bytes, at, le) =>
    le ? bytes.readUInt16LE(at) * 0x10000 + bytes.readUInt16LE(at + 2) : bytes.readUInt32BE(at),
}

/** How a value is to be understood: UN is what the dictionary says, little endian (PS3.5 6.2.2 note 2). */
function meaning(dataSet: DataSet, { tag, vr }: Element): { vr: string; littleEndian: boolean } {
  if (vr !== 'UN') return { vr, littleEndian: dataSet.littleEndian }
  const signed = dataSet instanceof ParsedDataSet && dataSet.signedPixels
  return { vr: vrOf(tag, signed) ?? 'UN', littleEndian: true }
}

export function stringsOf(dataSet: DataSet, element: Element, read: () => Buffer): string[] {
  const { vr, littleEndian } = meaning(dataSet, element)
  if (isText(vr)) return splitText(decodeText(read(), vr, dataSet.characterSets), vr)
  const long = longReaders[vr]
  if (long !== undefined) return readAll(read(), vr, littleEndian, long).map(String)
  if (numberReaders[vr] === undefined) return []
  const show = vr === 'AT' ? formatTag : String
  return readNumbers(read(), vr, littleEndian).map((value) => show(value))
}

export function numbersOf(dataSet: DataSet, element: Element, read: () => Buffer): number[] {
  const { vr, littleEndian } = meaning(dataSet, element)
  if (vr !== 'IS' && vr !== 'DS') return readNumbers(read(), vr, littleEndian)
  const texts = splitText(read().toString('latin1'), vr)
  return texts.map((text) => (decimal.test(text) ? Number(text) : Number.NaN))
}

/** PS3.5 6.2, DS and IS. JavaScript would take `0x10` for one, too. */
const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

function readNumbers(bytes: Buffer, vr: string, littleEndian: boolean): number[] {
  const long = longReaders[vr]
  if (long !== undefined) return readAll(bytes, vr, littleEndian, long).map(Number)
  const reader = numberReaders[vr]
  return reader === undefined ? [] : readAll(bytes, vr, littleEndian, reader)
}

/** What is left behind the last whole number is none. */
function readAll<Result>(
  bytes: Buffer,
  vr: string,
  littleEndian: boolean,
  read: Read<Result>,
): Result[] {
  const step = vr === 'AT' ? 4 : bytesPerUnit(vr)
  const values: Result[] = []
  for (let at = 0; at + step <= bytes.length; at += step) values.push(read(bytes, at, littleEndian))
  return values
}

function splitText(text: string, vr: string): string[] {
  const leading = !leadingSpaceCounts(vr)
  if (!text.includes('\\')) {
    const value = trimPadding(text, leading)
    return value === '' ? [] : [value]
  }
  const values = (splitsAtBackslash(vr) ? text.split('\\') : [text]).map((value) =>
    trimPadding(value, leading),
  )
  return values.length === 1 && values[0] === '' ? [] : values
}

/**
 * A NUL is padding in UIDs, and in all text of some devices. A loop, because the regular
 * expression for this takes quadratic time on a long run of spaces.
 */
function trimPadding(text: string, leading: boolean): string {
  let start = 0
  let end = text.length
  while (end > 0 && isPadding(text, end - 1)) end -= 1
  if (leading) while (start < end && isPadding(text, start)) start += 1
  return text.slice(start, end)
}

function isPadding(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code === 0x20 || code === 0
}
