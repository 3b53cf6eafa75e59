import type { DicomFile, Element } from '../../dicom/index.ts'
import type { PixelLayout } from '../../image/index.ts'
import { codecOf, walkFrames } from './compressed-frames.ts'
import type { Reasons } from '../reasons.ts'
import { rleFrameTrouble } from './rle-frame.ts'

type Range = NonNullable<Element['fragments']>[number]

const ExtendedOffsetTable = 0x7fe00001
const ExtendedOffsetTableLengths = 0x7fe00002
const multiComponent = /^1\.2\.840\.10008\.1\.2\.4\.9[23]$/

/** Encapsulated pixel data (PS3.5 A.4): its tables point at its fragments, and these hold frames alone. */
export function checkEncapsulated(
  file: DicomFile,
  element: Element,
  layout: PixelLayout,
  where: string,
  reasons: Reasons,
): void {
  const [table, ...fragments] = element.fragments ?? []
  const codec = codecOf(file.transferSyntaxUID)
  // A video is one stream (PS3.5 8.2.5 and following), and JPEG 2000 Part 2 has frames as components.
  const isOneStream = codec === 'video' || multiComponent.test(file.transferSyntaxUID)
  const frames = isOneStream ? Math.max(1, (table?.length ?? 0) >>> 2) : layout.frames
  if (table === undefined || fragments.length === 0) {
    reasons.add('damaged-pixel-data', `${where}, no fragments`)
    return
  }
  if (!isTableRight(file, table, fragments, frames)) {
    reasons.add('damaged-pixel-data', `${where}, basic offset table`)
  }
  if (!isExtendedTableRight(file, table, fragments, frames)) {
    reasons.add('damaged-pixel-data', '(7FE0,0001) ExtendedOffsetTable')
  }
  if (fragments.length < frames) {
    reasons.add('incomplete-object', where)
    return
  }
  if (codec === 'rle' || codec === 'uncompressed') {
    if (fragments.length > frames) reasons.add('bytes-behind-pixels', where)
    for (const fragment of fragments) {
      const trouble =
        codec === 'rle'
          ? rleFrameTrouble(file, fragment, layout)
          : plainFrameTrouble(fragment, layout)
      if (trouble !== undefined) reasons.add(trouble, where)
    }
    return
  }
  const found = walkFrames(file, fragments, codec)
  for (const trouble of found.troubles) reasons.add(trouble, where)
  if (found.frames === undefined || isOneStream) return
  if (found.frames < frames) reasons.add('incomplete-object', where)
  if (found.frames > frames) reasons.add('bytes-behind-pixels', where)
}

/** Empty, or for each frame where the item of its first fragment begins, counted from the first one. */
function isTableRight(
  file: DicomFile,
  table: Range,
  fragments: readonly Range[],
  frames: number,
): boolean {
  if (table.length === 0) return true
  if (table.length !== frames * 4) return false
  const bytes = file.range(table.offset, table.length)
  const read = (at: number) => (file.littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at))
  return pointsAtFragments(
    Array.from({ length: frames }, (_, frame) => read(frame * 4)),
    fragments,
  )
}

/** The same in 64 bits, in elements of their own, with one fragment a frame (PS3.3 C.7.6.3.1.8). */
function isExtendedTableRight(
  file: DicomFile,
  basic: Range,
  fragments: readonly Range[],
  frames: number,
): boolean {
  const offsets = file.dataSet.get(ExtendedOffsetTable)
  const lengths = file.dataSet.get(ExtendedOffsetTableLengths)
  if (offsets === undefined && lengths === undefined) return true
  if (offsets?.length !== frames * 8 || lengths?.length !== frames * 8) return false
  if (basic.length > 0 || fragments.length !== frames) return false
  const read = (element: Element) => {
    const bytes = file.bytes(element)
    return fragments.map((_, at) =>
      Number(file.littleEndian ? bytes.readBigUInt64LE(at * 8) : bytes.readBigUInt64BE(at * 8)),
    )
  }
  const lengthsAre = read(lengths)
  return (
    pointsAtFragments(read(offsets), fragments) &&
    // Without or with the byte that makes it even.
    fragments.every(({ length }, at) => [length, length - 1].includes(lengthsAre[at] ?? -1))
  )
}

function pointsAtFragments(offsets: readonly number[], fragments: readonly Range[]): boolean {
  const first = fragments[0]?.offset ?? 0
  const starts = new Map(fragments.map(({ offset }, index) => [offset - first, index]))
  let before = -1
  return offsets.every((offset, frame) => {
    const index = starts.get(offset)
    if (index === undefined || index <= before || (frame === 0 && index !== 0)) return false
    before = index
    return true
  })
}

/** Encapsulated Uncompressed Explicit VR Little Endian (PS3.5 A.4.11): a native frame in each fragment. */
function plainFrameTrouble(
  { length }: Range,
  { bitsPerFrame }: PixelLayout,
): 'incomplete-object' | 'bytes-behind-pixels' | undefined {
  const bytes = Math.ceil(bitsPerFrame / 8)
  if (length < bytes) return 'incomplete-object'
  return length > bytes + (bytes % 2) ? 'bytes-behind-pixels' : undefined
}
