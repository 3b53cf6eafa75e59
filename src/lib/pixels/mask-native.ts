import { blankPixel, wordOf } from './blank-pixel.ts'
import type { ByteOrder, ImageLayout } from './image-layout.ts'
import type { PixelMask, Span } from './pixel-mask.ts'
import { pixelTrouble } from './pixel-trouble.ts'

/** Changes bytes of native pixel data that are in `chunk`, of which the first is at that offset. */
export type Edit = (chunk: Buffer, at: number) => void

/** Pixels that share their chrominance lie together: two of them, four bytes. */
const paired = new Set(['YBR_FULL_422', 'YBR_PARTIAL_422'])

/**
 * Blanks the masked pixels of all frames, wherever a chunk begins: an image of gigabytes goes through piece by piece.
 * @throws FionaError E_PIXELS for a layout that is not known
 */
export function maskNative(
  image: ImageLayout,
  mask: PixelMask,
  order: ByteOrder,
  paletteIndex?: number,
): Edit {
  const blank = blankPixel(image, paletteIndex)
  if (image.bitsAllocated === 1 && image.samples === 1) {
    return maskBits(image, mask, order, blank[0] === 1)
  }
  if (![8, 16, 32].includes(image.bitsAllocated)) {
    throw pixelTrouble(`${String(image.bitsAllocated)} bits allocated are not supported`)
  }
  const { rowBytes, planes, spanBytes, patterns } = rowsOf(image, blank, order)
  const planeBytes = rowBytes * image.rows
  const fill = order.swapsBytes && image.bitsAllocated === 8 ? fillSwapped : fillStraight
  return (chunk, at) => {
    const end = at + chunk.length
    const last = Math.min(Math.ceil(end / planeBytes), planes * image.frames)
    for (let plane = Math.floor(at / planeBytes); plane < last; plane++) {
      const start = plane * planeBytes
      const pattern = patterns[plane % planes] ?? Buffer.alloc(1)
      const firstRow = Math.max(0, Math.floor((at - start) / rowBytes))
      const lastRow = Math.min(image.rows, Math.ceil((end - start) / rowBytes))
      for (const { top, bottom, spans } of mask.bands) {
        const bytes = spans.map(spanBytes)
        for (let row = Math.max(top, firstRow); row < Math.min(bottom, lastRow); row++) {
          const rowStart = start + row * rowBytes - at
          for (const [from, to] of bytes) fill(chunk, rowStart + from, rowStart + to, pattern)
        }
      }
    }
  }
}

interface Rows {
  readonly rowBytes: number
  /** Of one frame. */
  readonly planes: number
  /** The bytes of a row that columns have. */
  readonly spanBytes: (span: Span) => Span
  /** What a pixel of each plane becomes, again and again. */
  readonly patterns: readonly Buffer[]
}

function rowsOf(image: ImageLayout, blank: readonly number[], order: ByteOrder): Rows {
  const { columns, samples, bitsAllocated, interpretation } = image
  if (interpretation === 'YBR_PARTIAL_420')
    throw pixelTrouble('native YBR_PARTIAL_420 is not supported')
  if (paired.has(interpretation)) {
    if (bitsAllocated !== 8) throw pixelTrouble('subsampled pixels have more than 8 bits')
    if (columns % 2 !== 0) throw pixelTrouble('subsampled pixels have an odd number of columns')
    const [luminance = 0, ...chrominance] = blank
    return {
      rowBytes: columns * 2,
      planes: 1,
      spanBytes: ([start, end]) => [(start & ~1) * 2, (end + (end & 1)) * 2],
      patterns: [Buffer.from([luminance, luminance, ...chrominance])],
    }
  }
  const bytes = bitsAllocated / 8
  const words = blank.map((value) => bytesOf(wordOf(value, image), bytes, order))
  const isPlanar = image.isPlanar && samples > 1
  const pixelBytes = isPlanar ? bytes : bytes * samples
  return {
    rowBytes: columns * pixelBytes,
    planes: isPlanar ? samples : 1,
    spanBytes: ([start, end]) => [start * pixelBytes, end * pixelBytes],
    patterns: isPlanar ? words : [Buffer.concat(words)],
  }
}

function bytesOf(word: number, bytes: number, { littleEndian }: ByteOrder): Buffer {
  const buffer = Buffer.alloc(bytes)
  if (littleEndian) buffer.writeUIntLE(word, 0, bytes)
  else buffer.writeUIntBE(word, 0, bytes)
  return buffer
}

/** What of `from` to `to` is within the chunk gets the pattern, which begins at `from`. */
function fillStraight(chunk: Buffer, from: number, to: number, pattern: Buffer): void {
  const start = Math.max(0, from)
  const end = Math.min(chunk.length, to)
  if (start >= end) return
  const phase = (start - from) % pattern.length
  const turned =
    phase === 0 ? pattern : Buffer.concat([pattern.subarray(phase), pattern.subarray(0, phase)])
  chunk.fill(turned, start, end)
}

/** Each byte is where its neighbour in the word would be; a chunk begins and ends with a whole word. */
function fillSwapped(chunk: Buffer, from: number, to: number, pattern: Buffer): void {
  const end = Math.min(chunk.length, to)
  for (let at = Math.max(0, from); at < end; at++) {
    chunk[at ^ 1] = pattern[(at - from) % pattern.length] ?? 0
  }
}

/** One bit a pixel, the first in the lowest bit; a frame begins where the last one ended (PS3.5 8.1.1). */
function maskBits(image: ImageLayout, mask: PixelMask, order: ByteOrder, isSet: boolean): Edit {
  const { rows, columns, frames } = image
  const frameBits = rows * columns
  return (chunk, at) => {
    const firstBit = at * 8
    const endBit = firstBit + chunk.length * 8
    const last = Math.min(Math.ceil(endBit / frameBits), frames)
    for (let frame = Math.floor(firstBit / frameBits); frame < last; frame++) {
      const start = frame * frameBits - firstBit
      const firstRow = Math.max(0, Math.floor(-start / columns))
      const lastRow = Math.min(rows, Math.ceil((endBit - firstBit - start) / columns))
      for (const { top, bottom, spans } of mask.bands) {
        for (let row = Math.max(top, firstRow); row < Math.min(bottom, lastRow); row++) {
          const rowStart = start + row * columns
          for (const [from, to] of spans) {
            fillBits(chunk, rowStart + from, rowStart + to, isSet, order.swapsBytes ? 1 : 0)
          }
        }
      }
    }
  }
}

function fillBits(chunk: Buffer, from: number, to: number, isSet: boolean, swap: 0 | 1): void {
  const end = Math.min(chunk.length * 8, to)
  for (let bit = Math.max(0, from); bit < end;) {
    const at = (bit >>> 3) ^ swap
    const within = bit & 7
    const count = Math.min(8 - within, end - bit)
    const bits = ((1 << count) - 1) << within
    const byte = chunk[at] ?? 0
    chunk[at] = isSet ? byte | bits : byte & ~bits
    bit += count
  }
}
