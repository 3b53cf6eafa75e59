import type { ByteSource } from './byte-source.ts'
import type { Element } from './data-set.ts'
import { formatTag } from './tag.ts'
import type { Encoding } from './transfer-syntax.ts'
import { parseError } from './trouble.ts'
import { hasLongForm } from './value-representation.ts'

/** What is in front of a value. It is the element as it stands, of one that has nothing inside it. */
export type Header = Element

/** The length that says: up to a delimiter (PS3.5 7.1.1). */
export const undefinedLength = 0xffffffff

/**
 * Tag, VR and length (PS3.5 7.1) at `offset`; the VR is empty where there is none.
 * @param end of what is around it
 * @throws FionaError E_DICOM_PARSE
 */
export function readHeader(
  source: ByteSource,
  encoding: Encoding,
  offset: number,
  end: number,
): Header {
  if (end - offset < 8) throw parseError('bytes end inside the header of an element', offset)
  const { littleEndian, explicitVR } = encoding
  // Twelve bytes where there are so many: the long form of an explicit header in one look.
  const at = source.at(offset, Math.min(12, end - offset))
  const bytes = source.buffer
  const tag = readTag(bytes, at, littleEndian)
  if (tag >>> 16 === 0xfffe || !explicitVR) {
    const length = readUInt32(bytes, at + 4, littleEndian)
    return headerOf(tag, '', length, offset + 8)
  }
  const vr = readVR(bytes, at + 4)
  if (vr === undefined) {
    throw parseError(`${formatTag(tag)} has no value representation that could be one`, offset + 4)
  }
  if (vr === unknownShort || !hasLongForm(vr)) {
    const length = littleEndian ? bytes.readUInt16LE(at + 6) : bytes.readUInt16BE(at + 6)
    return headerOf(tag, vr === unknownShort ? 'UN' : vr, length, offset + 8)
  }
  if (end - offset < 12) throw parseError('bytes end inside the header of an element', offset)
  const length = readUInt32(bytes, at + 8, littleEndian)
  return headerOf(tag, vr, length, offset + 12)
}

/** Of an item or its delimiter, which have no VR in any encoding (PS3.5 7.5). */
export function readItemHeader(
  source: ByteSource,
  encoding: Encoding,
  offset: number,
  end: number,
): Header {
  if (end - offset < 8) throw parseError('bytes end inside the header of an item', offset)
  const at = source.at(offset, 8)
  const tag = readTag(source.buffer, at, encoding.littleEndian)
  const length = readUInt32(source.buffer, at + 4, encoding.littleEndian)
  return headerOf(tag, '', length, offset + 8)
}

export function headerOf(tag: number, vr: string, length: number, offset: number): Header {
  return { tag, vr, offset, length, undefinedLength: false }
}

/** Stands for what some devices write where they do not know: `??`, spaces, NULs. The length has 16 bits then. */
const unknownShort = '??'

/** AA to ZZ: making the text of each VR anew would take a good part of the time that a header takes. */
const letterPairs = Array.from({ length: 26 * 26 }, (_, at) =>
  String.fromCharCode(0x41 + Math.floor(at / 26), 0x41 + (at % 26)),
)

/** The two letters at `at`; undefined when they cannot be a VR. */
export function readVR(bytes: Buffer, at: number): string | undefined {
  const first = bytes[at] ?? 0
  const second = bytes[at + 1] ?? 0
  if (first >= 0x41 && first <= 0x5a && second >= 0x41 && second <= 0x5a) {
    return letterPairs[(first - 0x41) * 26 + second - 0x41]
  }
  const blank = first === second && (first === 0x3f || first === 0x20 || first === 0)
  return blank ? unknownShort : undefined
}

export function readTag(bytes: Buffer, at: number, littleEndian: boolean): number {
  return littleEndian
    ? bytes.readUInt16LE(at) * 0x10000 + bytes.readUInt16LE(at + 2)
    : bytes.readUInt32BE(at)
}

export function readUInt32(bytes: Buffer, at: number, littleEndian: boolean): number {
  return littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)
}
