import { inflateRawSync } from 'node:zlib'
import { BufferSource, type ByteSource } from './byte-source.ts'
import { ParsedDataSet } from './data-set.ts'
import { readTag, readUInt32, readVR } from './element-header.ts'
import { DataSetParser } from './parse-data-set.ts'
import { Tag, formatTag } from './tag.ts'
import { type Encoding, TransferSyntax, encodingOf } from './transfer-syntax.ts'
import { limitError, parseError } from './trouble.ts'
import { isKnownVR } from './value-representation.ts'

/** A deflated data set is inflated in memory: no more than this, and no more of it read. */
export const mostInflatedBytes = 512 << 20

/** What comes before the data set of a file (PS3.10 section 7), and how to read on. */
export interface FileHead {
  readonly meta: ParsedDataSet
  readonly dataSetOffset: number
  /** What the bytes are. Where they contradict the file meta information, the bytes count. */
  readonly transferSyntaxUID: string
  readonly encoding: Encoding
  readonly deflated: boolean
}

export function readFileHead(source: ByteSource): FileHead {
  const start = findStart(source)
  const meta = readMeta(source, start)
  const dataSetOffset = meta.end
  const claimed = transferSyntaxOf(source, meta.dataSet)
  if (claimed !== undefined && encodingOf(claimed).deflated) {
    const encoding = encodingOf(claimed)
    return {
      meta: meta.dataSet,
      dataSetOffset,
      transferSyntaxUID: claimed,
      encoding,
      deflated: true,
    }
  }
  const encoding = settleEncoding(source, dataSetOffset, claimed)
  const contradicted =
    claimed === undefined ||
    encodingOf(claimed).explicitVR !== encoding.explicitVR ||
    encodingOf(claimed).littleEndian !== encoding.littleEndian
  const transferSyntaxUID = contradicted ? plainSyntax(encoding) : claimed
  return { meta: meta.dataSet, dataSetOffset, transferSyntaxUID, encoding, deflated: false }
}

/**
 * The file as if its data set were not deflated: the bytes before it, then the inflated data set.
 * So every offset of the file is unique and `dataSetOffset` holds for both.
 */
export function inflateDataSet(
  source: ByteSource,
  dataSetOffset: number,
  maxBytes = mostInflatedBytes,
): ByteSource {
  const deflatedBytes = source.size - dataSetOffset
  if (deflatedBytes > maxBytes) {
    throw limitError(`a deflated data set of ${String(deflatedBytes)} bytes`, dataSetOffset)
  }
  let inflated: Buffer
  try {
    const deflated = source.read(dataSetOffset, deflatedBytes)
    inflated = inflateRawSync(deflated, { maxOutputLength: maxBytes })
  } catch (error) {
    if (error instanceof RangeError) {
      const message = `the data set inflates to more than ${String(maxBytes)} bytes`
      throw limitError(message, dataSetOffset, error)
    }
    if (error instanceof Error && 'errno' in error) {
      throw parseError('the deflated data set does not inflate', dataSetOffset, error)
    }
    throw error
  }
  return new BufferSource(Buffer.concat([source.read(0, dataSetOffset), inflated]))
}

/**
 * Whether these first bytes of a file (1 KiB or all) are how a DICOM file or a bare data set begins: tells
 * a damaged object from what never was one.
 */
export function beginsLikeDicom(head: Buffer): boolean {
  return startOf(new BufferSource(head)) !== undefined
}

function findStart(source: ByteSource): number {
  const start = startOf(source)
  if (start !== undefined) return start
  throw parseError('not a DICOM file: no DICM prefix, and it does not begin like a data set', 0)
}

/** Behind preamble and prefix (PS3.10 7.1), or 0 in files that begin with group 2 or 8 at once. */
function startOf(source: ByteSource): number | undefined {
  if (source.size >= 132) {
    const at = source.at(128, 4)
    if (source.buffer.toString('latin1', at, at + 4) === 'DICM') return 132
  }
  if (source.size >= 8) {
    const at = source.at(0, 8)
    const bytes = source.buffer
    const beginsPlausibly = [true, false].some((littleEndian) => {
      const tag = readTag(bytes, at, littleEndian)
      const group = tag >>> 16
      if ((group !== 2 && group !== 8) || (tag & 0xffff) > 0x100) return false
      const vr = readVR(bytes, at + 4)
      if (vr !== undefined && isKnownVR(vr)) return true
      return readUInt32(bytes, at + 4, littleEndian) <= Math.min(source.size - 8, 1024)
    })
    if (beginsPlausibly) return 0
  }
  return undefined
}

/** Group 2, explicit VR little endian (PS3.10 7.1); some writers forget that and use implicit VR. */
function readMeta(source: ByteSource, start: number): { dataSet: ParsedDataSet; end: number } {
  const explicitVR = looksExplicit(source, start, true) ?? true
  const dataSet = new ParsedDataSet(true, explicitVR)
  const end = new DataSetParser(source).parseGroup(dataSet, start, 2)
  return { dataSet, end }
}

function transferSyntaxOf(source: ByteSource, meta: ParsedDataSet): string | undefined {
  const element = meta.get(Tag.TransferSyntaxUID)
  if (element === undefined || element.length === 0) return undefined
  if (element.length > 128) {
    throw parseError(`${formatTag(element.tag)} is not a transfer syntax UID`, element.offset)
  }
  const text = source.read(element.offset, element.length).toString('latin1')
  return text.replace(/[\0 ]+$/, '').trim()
}

/**
 * The encoding that the transfer syntax promises, unless the first element shows otherwise:
 * peers that store implicit VR under an explicit VR name, and the reverse, exist.
 */
function settleEncoding(source: ByteSource, offset: number, claimed: string | undefined): Encoding {
  const promised = encodingOf(claimed ?? TransferSyntax.ImplicitVRLittleEndian)
  const explicit = looksExplicit(source, offset, promised.explicitVR)
  if (explicit === undefined) return promised
  // Implicit VR is always little endian.
  if (!explicit) return { littleEndian: true, explicitVR: false }
  if (claimed === TransferSyntax.ExplicitVRBigEndian || claimed === undefined) {
    const at = source.at(offset, 8)
    // A first group above 0x00ff in one byte order is a small number in the other.
    const littleEndian = source.buffer.readUInt16LE(at) <= source.buffer.readUInt16BE(at)
    return { littleEndian, explicitVR: explicit }
  }
  return { littleEndian: promised.littleEndian, explicitVR: explicit }
}

/**
 * Whether the element at `offset` has a VR in its header; undefined where there is no element.
 * Letters alone are enough where a VR is expected, for it may be one that we do not know.
 */
function looksExplicit(source: ByteSource, offset: number, expected: boolean): boolean | undefined {
  if (source.size - offset < 8) return undefined
  const at = source.at(offset, 8)
  const vr = readVR(source.buffer, at + 4)
  return vr !== undefined && (expected || isKnownVR(vr))
}

function plainSyntax({ littleEndian, explicitVR }: Encoding): string {
  if (!explicitVR) return TransferSyntax.ImplicitVRLittleEndian
  return littleEndian ? TransferSyntax.ExplicitVRLittleEndian : TransferSyntax.ExplicitVRBigEndian
}
