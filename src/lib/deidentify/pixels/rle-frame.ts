import type { DicomFile } from '../../dicom/index.ts'
import type { PixelLayout } from '../../image/index.ts'

const headerBytes = 64
const mostSegments = 15
const mostFilling = 1 << 16

/**
 * A frame of RLE (PS3.5 annex G) is a header of offsets and a segment for each byte of a pixel. Whatever
 * is behind the last run that a segment needs is shown by no viewer.
 */
export function rleFrameTrouble(
  file: DicomFile,
  { offset, length }: { readonly offset: number; readonly length: number },
  { rows, columns, samples, bitsAllocated }: PixelLayout,
): 'damaged-pixel-data' | 'incomplete-object' | 'bytes-behind-pixels' | undefined {
  if (length < headerBytes) return 'damaged-pixel-data'
  const header = file.range(offset, headerBytes)
  const read = (at: number) =>
    file.littleEndian ? header.readUInt32LE(at * 4) : header.readUInt32BE(at * 4)
  const count = read(0)
  if (count > mostSegments || count !== samples * (bitsAllocated / 8)) return 'damaged-pixel-data'
  const starts = Array.from({ length: mostSegments }, (_, at) => read(at + 1))
  const isOrdered = starts.every((start, at) => {
    if (at >= count) return start === 0
    return at === 0 ? start === headerBytes : start >= (starts[at - 1] ?? 0)
  })
  if (!isOrdered || (starts[count - 1] ?? 0) > length) return 'damaged-pixel-data'
  for (let segment = 0; segment < count; segment++) {
    const start = starts[segment] ?? 0
    const end = segment + 1 < count ? (starts[segment + 1] ?? 0) : length
    // Runs cost a byte in 128 at worst: more than that is not read into memory.
    if (end - start > rows * columns * 2 + mostFilling) return 'bytes-behind-pixels'
    const bytes = file.range(offset + start, end - start)
    const used = bytesUsed(bytes, rows * columns)
    if (used === undefined) return 'incomplete-object'
    if (bytes.subarray(used).some((byte) => byte !== 0)) return 'bytes-behind-pixels'
  }
  return undefined
}

/** How many bytes make so many of the decoded (G.3.1); undefined when there are too few. */
function bytesUsed(bytes: Buffer, decoded: number): number | undefined {
  let at = 0
  for (let done = 0; done < decoded;) {
    const control = bytes[at]
    if (control === undefined) return undefined
    if (control < 128) {
      done += control + 1
      at += control + 2
    } else if (control > 128) {
      done += 257 - control
      at += 2
    } else at += 1
  }
  return at <= bytes.length ? at : undefined
}
