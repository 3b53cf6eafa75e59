import { type ReadSample, storedValue } from './gray-image.ts'
import type { ImageLayout } from './image-layout.ts'
import { pixelTrouble } from './pixel-trouble.ts'

/** A frame of RLE (PS3.5 annex G): 16 words of header, then a segment for each byte of a pixel. */
const headerBytes = 64
const mostSegments = 15
/** Of one segment: a pixel each. */
const mostPixels = 1 << 28

/**
 * The bytes of each segment: those of the first sample, the most significant first, then those of the next.
 * @throws FionaError E_PIXELS
 */
export function decodeRle(
  frame: Buffer,
  { rows, columns, samples, bitsAllocated }: ImageLayout,
): Buffer[] {
  if (frame.length < headerBytes) throw pixelTrouble('a frame of RLE has no header')
  if (rows * columns > mostPixels) throw pixelTrouble('a frame of RLE is too large')
  const count = frame.readUInt32LE(0)
  if (count > mostSegments || count !== samples * (bitsAllocated / 8)) {
    throw pixelTrouble('a frame of RLE has another number of segments than a pixel has bytes')
  }
  return Array.from({ length: count }, (_, at) => {
    const start = frame.readUInt32LE((at + 1) * 4)
    const end = at + 1 < count ? frame.readUInt32LE((at + 2) * 4) : frame.length
    if (start < headerBytes || end < start || end > frame.length) {
      throw pixelTrouble('a segment of RLE is not where its header says')
    }
    return decodeSegment(frame.subarray(start, end), rows * columns)
  })
}

/** @throws FionaError E_PIXELS */
export function rleSamples(frame: Buffer, image: ImageLayout): ReadSample {
  const segments = decodeRle(frame, image)
  const bytes = image.bitsAllocated / 8
  return (pixel, sample) => {
    let word = 0
    for (let at = 0; at < bytes; at++)
      word = word * 256 + (segments[sample * bytes + at]?.[pixel] ?? 0)
    return storedValue(word, image)
  }
}

/** G.3.2. What is behind the last pixel is not looked at. */
function decodeSegment(bytes: Buffer, length: number): Buffer {
  const decoded = Buffer.allocUnsafe(length)
  let at = 0
  for (let done = 0; done < length;) {
    const control = bytes[at++]
    if (control === undefined) throw pixelTrouble('a segment of RLE ends too early')
    if (control === 128) continue
    const count = Math.min(control < 128 ? control + 1 : 257 - control, length - done)
    const needed = control < 128 ? count : 1
    if (at + needed > bytes.length) throw pixelTrouble('a segment of RLE ends too early')
    if (control < 128) {
      bytes.copy(decoded, done, at, at + count)
      at += control + 1
    } else decoded.fill(bytes[at++] ?? 0, done, done + count)
    done += count
  }
  return decoded
}

/** The frame of such segments, each row for itself (G.3.1). */
export function encodeRle(segments: readonly Buffer[], columns: number): Buffer {
  const header = Buffer.alloc(headerBytes)
  header.writeUInt32LE(segments.length, 0)
  let offset = headerBytes
  const encoded = segments.map((segment, at) => {
    const bytes = encodeSegment(segment, columns)
    header.writeUInt32LE(offset, (at + 1) * 4)
    offset += bytes.length
    return bytes
  })
  return Buffer.concat([header, ...encoded])
}

function encodeSegment(bytes: Buffer, columns: number): Buffer {
  const rows = Math.ceil(bytes.length / columns)
  // At worst a byte more for each 128, and one to make it even.
  const encoded = Buffer.allocUnsafe(bytes.length + rows * Math.ceil(columns / 128) + 1)
  let used = 0
  for (let row = 0; row < rows; row++) {
    const end = (row + 1) * columns
    let literal = row * columns
    for (let at = literal; at <= end;) {
      const run = at < end ? runLength(bytes, at, end) : 0
      // A run of two costs as much as it saves, unless nothing is waiting in front of it.
      const isRun = run > 2 || (run === 2 && literal === at)
      if (isRun || at === end || at - literal === 128) {
        if (at > literal) {
          encoded[used++] = at - literal - 1
          used += bytes.copy(encoded, used, literal, at)
        }
        if (isRun) {
          encoded[used++] = 257 - run
          encoded[used++] = bytes[at] ?? 0
          at += run
        } else if (at === end) break
        literal = at
      } else at += 1
    }
  }
  if (used % 2 !== 0) encoded[used++] = 0
  return Buffer.from(encoded.subarray(0, used))
}

function runLength(bytes: Buffer, start: number, end: number): number {
  const value = bytes[start]
  const last = Math.min(end, start + 128)
  let at = start + 1
  while (at < last && bytes[at] === value) at += 1
  return at - start
}
