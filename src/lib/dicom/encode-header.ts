import type { Encoding } from './transfer-syntax.ts'
import { hasLongForm } from './value-representation.ts'

export const undefinedLength = 0xffffffff
const longestShortForm = 0xfffe

export function evenLength(length: number): number {
  const even = length + (length % 2)
  if (even < undefinedLength) return even
  throw new RangeError(`a value of ${String(length)} bytes has no length in DICOM`)
}

export const delimiterBytes = 8
export const longestHeader = 12

export function header(tag: number, vr: string, length: number, encoding: Encoding): Buffer {
  // From the slab that small buffers share: memory of its own costs each many times its size.
  const bytes = Buffer.allocUnsafe(headerBytes(vr, length, encoding))
  writeHeader(bytes, 0, tag, vr, length, encoding)
  return bytes
}

export function headerBytes(vr: string, length: number, { explicitVR }: Encoding): number {
  return explicitVR && isLongForm(vr, length) ? longestHeader : 8
}

function isLongForm(vr: string, length: number): boolean {
  return hasLongForm(vr) || length > longestShortForm
}

/**
 * An element's header (PS3.5 7.1). What does not fit a 16 bit length is written as UN (6.2.2).
 * @returns where it ends
 */
export function writeHeader(
  bytes: Buffer,
  at: number,
  tag: number,
  vr: string,
  length: number,
  encoding: Encoding,
): number {
  if (!encoding.explicitVR) return writeDelimiter(bytes, at, tag, length, encoding)
  const { littleEndian } = encoding
  writeTag(bytes, tag, at, littleEndian)
  if (!isLongForm(vr, length)) {
    writeVR(bytes, vr, at + 4)
    return littleEndian ? bytes.writeUInt16LE(length, at + 6) : bytes.writeUInt16BE(length, at + 6)
  }
  writeVR(bytes, hasLongForm(vr) ? vr : 'UN', at + 4)
  bytes.writeUInt16LE(0, at + 6)
  return writeUInt32(bytes, length, at + 8, littleEndian)
}

/** Two letters; for so few `Buffer.write` takes many times as long. */
function writeVR(bytes: Buffer, vr: string, at: number): void {
  bytes[at] = vr.charCodeAt(0)
  bytes[at + 1] = vr.charCodeAt(1)
}

export function delimiter(tag: number, length: number, encoding: Encoding): Buffer {
  const bytes = Buffer.allocUnsafe(delimiterBytes)
  writeDelimiter(bytes, 0, tag, length, encoding)
  return bytes
}

/** @returns where it ends */
export function writeDelimiter(
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
