import { type DicomFile, type Element, hasNativePixels, isText } from '../../dicom/index.ts'
import { type PixelLayout, pixelLayoutOf } from '../../image/index.ts'
import { checkEncapsulated } from './check-encapsulated.ts'
import type { ObjectPolicy } from '../object-policy.ts'
import type { Reasons } from '../reasons.ts'
import { hasMoreThanPixels } from './unused-bits.ts'

const Tag = {
  Rows: 0x00280010,
  PixelDataProviderURL: 0x00287fe0,
  DVHSequence: 0x30040050,
  WaveformSequence: 0x54000100,
  SpectroscopyData: 0x56000020,
  ExtendedOffsetTable: 0x7fe00001,
  ExtendedOffsetTableLengths: 0x7fe00002,
}

/** Where pixels may be, and the bits of a sample where the tag says it all (PS3.3 C.7.6.3, C.7.6.24, C.7.6.25). */
const places: readonly (readonly [tag: number, where: string, fixedBits: number | undefined])[] = [
  [0x7fe00010, '(7FE0,0010) PixelData', undefined],
  [0x7fe00008, '(7FE0,0008) FloatPixelData', 32],
  [0x7fe00009, '(7FE0,0009) DoubleFloatPixelData', 64],
]

const spectroscopy = '1.2.840.10008.5.1.4.1.1.4.2'
const doseStorage = '1.2.840.10008.5.1.4.1.1.481.2'
const waveforms = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.9\.[1-8]\.\d$/

/**
 * Are there the pixels the object speaks of, and nothing beside them? Pixel data is never searched, so
 * whatever no viewer shows (bytes behind the last frame, bits that no sample has) would pass unseen; and
 * a file cut in front of its pixels would go out as if it were whole.
 */
export function checkPixelData(
  file: DicomFile,
  policy: ObjectPolicy,
  SOPClassUID: string,
  reasons: Reasons,
): void {
  const { dataSet } = file
  const there = places.filter(([tag]) => dataSet.get(tag) !== undefined)
  const [place] = there
  const element = place === undefined ? undefined : dataSet.get(place[0])
  if (place === undefined || element === undefined) {
    const missing = missingSubstance(file, policy, SOPClassUID)
    if (missing !== undefined) reasons.add('incomplete-object', missing)
    return
  }
  const [, where, fixedBits] = place
  const layout = pixelLayoutOf(file, fixedBits)
  // Of several a viewer shows one.
  const isPixels = element.items === undefined && !isText(element.vr)
  if (there.length > 1 || layout === undefined || !isPixels) {
    reasons.add('damaged-pixel-data', where)
  } else if (element.fragments !== undefined) {
    const isExpected = fixedBits === undefined && !hasNativePixels(file.transferSyntaxUID)
    if (isExpected) checkEncapsulated(file, element, layout, where, reasons)
    else reasons.add('damaged-pixel-data', where)
  } else if (!hasNativePixels(file.transferSyntaxUID) || hasOffsetTable(file)) {
    reasons.add('damaged-pixel-data', where)
  } else {
    checkNative(file, element, layout, where, reasons)
  }
}

/**
 * What an object of its class cannot be without, and is not there. A file that was cut between two
 * elements can be read to its end like any other.
 */
function missingSubstance(
  { dataSet }: DicomFile,
  policy: ObjectPolicy,
  SOPClassUID: string,
): string | undefined {
  const has = (tag: number) => dataSet.get(tag) !== undefined
  if (waveforms.test(SOPClassUID)) {
    return has(Tag.WaveformSequence) ? undefined : '(5400,0100) WaveformSequence'
  }
  if (SOPClassUID === spectroscopy) {
    return has(Tag.SpectroscopyData) ? undefined : '(5600,0020) SpectroscopyData'
  }
  const isImage = policy === 'image' || policy === 'screen'
  // The pixels are on a server, for which such an object is held anyway.
  if (!isImage || has(Tag.PixelDataProviderURL)) return undefined
  // A dose may be histograms alone (PS3.3 A.18.3).
  if (SOPClassUID === doseStorage && !has(Tag.Rows) && has(Tag.DVHSequence)) return undefined
  return '(7FE0,0010) PixelData'
}

function hasOffsetTable({ dataSet }: DicomFile): boolean {
  return (
    dataSet.get(Tag.ExtendedOffsetTable) !== undefined ||
    dataSet.get(Tag.ExtendedOffsetTableLengths) !== undefined
  )
}

function checkNative(
  file: DicomFile,
  element: Element,
  layout: PixelLayout,
  where: string,
  reasons: Reasons,
): void {
  const bytes = Math.ceil((layout.bitsPerFrame * layout.frames) / 8)
  const even = bytes + (bytes % 2)
  if (element.length < bytes) {
    reasons.add('incomplete-object', where)
  } else if (!isVoid(file, element.offset + even, element.length - even)) {
    reasons.add('bytes-behind-pixels', where)
  }
  if (hasMoreThanPixels(file, element, layout)) {
    reasons.add('overlay-in-pixel-data', `${where}, bits that are not stored`)
  }
}

const zeros = Buffer.alloc(1 << 16)

/** NULs tell nothing: some devices fill up to a block of their disk. */
function isVoid(file: DicomFile, start: number, length: number): boolean {
  for (let at = 0; at < length; at += zeros.length) {
    const size = Math.min(zeros.length, length - at)
    if (!file.range(start + at, size).equals(zeros.subarray(0, size))) return false
  }
  return true
}
