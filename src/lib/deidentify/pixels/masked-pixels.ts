import {
  type DicomFile,
  type Element,
  type MadeValue,
  type OutElement,
  textElement,
} from '../../dicom/index.ts'
import {
  codecOfPixels,
  type Fragment,
  fragmentsOfFrames,
  frameBytes,
  framesAtOnce,
  maskFrame,
  type PixelLayout,
  type PixelSpool,
  saidOfLoss,
} from '../../image/index.ts'
import { type ByteOrder, type Edit, type PixelMask, pixelTrouble } from '../../pixels/index.ts'
import { inOrder } from './in-order.ts'
import { codecOf } from './compressed-frames.ts'

const Tag = {
  PhotometricInterpretation: 0x00280004,
  ExtendedOffsetTable: 0x7fe00001,
  ExtendedOffsetTableLengths: 0x7fe00002,
}
const itemTag = 0xe000fffe
const longestOffset = 0xffffffff
/** GE's private syntax has its pixels in the other byte order. */
const bigEndianPixels = '1.2.840.113619.5.2'

/** How native pixels of a file lie in it. */
export function byteOrderOf(file: DicomFile, { vr }: Element, layout: PixelLayout): ByteOrder {
  const isGe = file.transferSyntaxUID === bigEndianPixels
  const littleEndian = file.littleEndian && !isGe
  return { littleEndian, swapsBytes: !littleEndian && vr === 'OW' && layout.bitsAllocated <= 8 }
}

/** Native pixels as they are in the file, but for the edits, whatever part of them is asked for. */
export function editedPixels(
  file: DicomFile,
  element: Element,
  edits: readonly Edit[],
): OutElement {
  const { tag, vr, offset, length } = element
  const change = (bytes: Buffer, at: number) => {
    file.rangeInto(bytes, offset + at)
    for (const edit of edits) edit(bytes, at)
  }
  const made: MadeValue = {
    length,
    undefinedLength: false,
    readInto(target, at) {
      const end = at + target.length
      const isWhole = at % 4 === 0 && (end % 4 === 0 || end === length)
      if (isWhole) {
        change(target, at)
        return
      }
      // Edits get whole words.
      const start = at - (at % 4)
      const around = Buffer.allocUnsafe(Math.min(length, end + ((4 - (end % 4)) % 4)) - start)
      change(around, start)
      around.copy(target, 0, at - start, end - start)
    },
  }
  return { tag, vr, made }
}

/** What masking of compressed pixels goes by. */
export interface FrameMask {
  readonly mask: PixelMask
  readonly paletteIndex: number | undefined
}

/**
 * Compressed pixels with every frame masked, in the same syntax: one fragment a frame, and the offset tables they had.
 * @returns elements that take the place of those of the same tag
 * @throws FionaError E_PIXELS
 */
export async function maskedFrames(
  file: DicomFile,
  element: Element,
  layout: PixelLayout,
  mask: FrameMask,
  spool: PixelSpool,
): Promise<OutElement[]> {
  const codec = codecOfPixels(file.transferSyntaxUID)
  if (codec === undefined) {
    const isVideo = codecOf(file.transferSyntaxUID) === 'video'
    throw pixelTrouble(
      isVideo
        ? 'a video is neither decoded nor encoded'
        : 'their transfer syntax is not one that can be encoded again',
    )
  }
  const offsets: number[] = []
  const lengths: number[] = []
  let interpretation: string | undefined
  const frames = fragmentsOfFrames(file, element, layout.frames)
  const work = (fragments: readonly Fragment[]) =>
    maskFrame(codec, frameBytes(file, fragments), file.transferSyntaxUID, layout, mask)
  for await (const masked of inOrder(frames, work, framesAtOnce(codec))) {
    interpretation ??= masked.interpretation
    if (masked.interpretation !== interpretation) {
      throw pixelTrouble('their frames have colours of different kinds')
    }
    const { bytes } = masked
    offsets.push(spool.length)
    lengths.push(bytes.length)
    const filled = bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(1)])
    spool.append(itemHeader(filled.length))
    spool.append(filled)
  }
  const hasTable = (element.fragments?.[0]?.length ?? 0) > 0 && spool.length <= longestOffset
  const table = hasTable ? words(offsets, 4) : Buffer.alloc(0)
  const head = Buffer.concat([itemHeader(table.length), table])
  const { tag, vr } = element
  const hasExtended = file.dataSet.get(Tag.ExtendedOffsetTable) !== undefined
  return [
    { tag, vr, made: behind(head, spool) },
    ...(hasExtended
      ? [
          { tag: Tag.ExtendedOffsetTable, vr: 'OV', value: words(offsets, 8) },
          { tag: Tag.ExtendedOffsetTableLengths, vr: 'OV', value: words(lengths, 8) },
        ]
      : []),
    ...(interpretation === undefined || interpretation === layout.interpretation
      ? []
      : [textElement(Tag.PhotometricInterpretation, 'CS', interpretation)]),
    ...saidOfLoss(file, element, layout, frames[0] ?? []),
  ]
}

/** Encapsulated pixel data is little endian. */
function itemHeader(length: number): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt32LE(itemTag, 0)
  header.writeUInt32LE(length, 4)
  return header
}

function words(numbers: readonly number[], bytes: 4 | 8): Buffer {
  const buffer = Buffer.alloc(numbers.length * bytes)
  numbers.forEach((value, at) => {
    buffer.writeUInt32LE(value % 2 ** 32, at * bytes)
    if (bytes === 8) buffer.writeUInt32LE(Math.floor(value / 2 ** 32), at * bytes + 4)
  })
  return buffer
}

function behind(head: Buffer, spool: PixelSpool): MadeValue {
  return {
    length: head.length + spool.length,
    undefinedLength: true,
    readInto(target, at) {
      const fromHead = Math.max(0, Math.min(target.length, head.length - at))
      if (fromHead > 0) head.copy(target, 0, at, at + fromHead)
      if (fromHead < target.length) {
        spool.readInto(target.subarray(fromHead), at + fromHead - head.length)
      }
    },
  }
}
