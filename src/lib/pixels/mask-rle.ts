import { blankPixel, wordOf } from './blank-pixel.ts'
import type { ImageLayout } from './image-layout.ts'
import type { PixelMask } from './pixel-mask.ts'
import { decodeRle, encodeRle } from './rle.ts'

/**
 * The frame with the masked pixels blank and all others as they were.
 * @throws FionaError E_PIXELS
 */
export function maskRle(
  frame: Buffer,
  image: ImageLayout,
  mask: PixelMask,
  paletteIndex?: number,
): Buffer {
  const segments = decodeRle(frame, image)
  const bytes = image.bitsAllocated / 8
  const words = blankPixel(image, paletteIndex).map((value) => wordOf(value, image))
  segments.forEach((segment, index) => {
    const shift = 2 ** (8 * (bytes - 1 - (index % bytes)))
    const byte = Math.floor((words[Math.floor(index / bytes)] ?? 0) / shift) % 256
    for (const { top, bottom, spans } of mask.bands) {
      for (let row = top; row < bottom; row++) {
        const start = row * image.columns
        for (const [from, to] of spans) segment.fill(byte, start + from, start + to)
      }
    }
  })
  return encodeRle(segments, image.columns)
}
