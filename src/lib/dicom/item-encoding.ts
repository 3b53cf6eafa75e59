import type { ByteSource } from './byte-source.ts'
import { readTag, readUInt32, readVR } from './element-header.ts'
import type { Encoding } from './transfer-syntax.ts'
import { isKnownVR } from './value-representation.ts'

/** What is inside UN (PS3.5 6.2.2 note 2). */
export const implicitLittleEndian: Encoding = { littleEndian: true, explicitVR: false }

/**
 * Some scanners write implicit VR items into explicit VR files, others explicit VR items into UN.
 * The first element of an item shows it: where its VR should be there are the bytes of a length,
 * or the letters of a VR make a length beyond the item.
 * @param encoding of the sequence
 * @returns whether the elements of the item have explicit VRs
 */
export function isItemExplicit(
  source: ByteSource,
  encoding: Encoding,
  start: number,
  end: number,
): boolean {
  const { explicitVR, littleEndian } = encoding
  if (end - start < 8) return explicitVR
  const at = source.at(start, 8)
  const bytes = source.buffer
  const isElement = readTag(bytes, at, littleEndian) >>> 16 !== 0xfffe
  const vr = readVR(bytes, at + 4)
  if (explicitVR) return !isElement || vr !== undefined
  if (encoding !== implicitLittleEndian || !isElement || vr === undefined) return false
  return isKnownVR(vr) && readUInt32(bytes, at + 4, true) > end - start - 8
}
