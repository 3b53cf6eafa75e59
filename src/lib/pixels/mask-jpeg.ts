import { blankPixel, wordOf } from './blank-pixel.ts'
import type { ImageLayout } from './image-layout.ts'
import { dctScans } from './jpeg-dct.ts'
import { losslessScans } from './jpeg-lossless.ts'
import { type FrameHeader, Marker } from './jpeg-segments.ts'
import type { PixelMask } from './pixel-mask.ts'
import { pixelTrouble } from './pixel-trouble.ts'
import { rewriteJpeg } from './rewrite-jpeg.ts'

/**
 * A frame of JPEG with the masked part blank and all the rest of it as it was: baseline and extended sequential by whole
 * units of 8 or 16 pixels, lossless to the pixel.
 * @throws FionaError E_PIXELS
 */
export function maskJpeg(
  bytes: Buffer,
  image: ImageLayout,
  mask: PixelMask,
  paletteIndex?: number,
): Buffer {
  const blank = blankPixel(image, paletteIndex)
  const dct = dctScans(image, mask, blank)
  const words = blank.map((value) => wordOf(value, image))
  const lossless = losslessScans(mask, words)
  return rewriteJpeg(
    bytes,
    (frame) => isSupported(frame) && requireSame(frame, image),
    (scan, sink) => (scan.frame.process === Marker.SOF3 ? lossless : dct)(scan, sink),
  )
}

export function isSupported({ process }: FrameHeader): boolean {
  return process === Marker.SOF0 || process === Marker.SOF1 || process === Marker.SOF3
}

/** @throws FionaError E_PIXELS: a mask for one size is none for another */
export function requireSame(frame: FrameHeader, image: ImageLayout): true {
  const { rows, columns, components } = frame
  if (rows !== image.rows || columns !== image.columns || components.length !== image.samples) {
    throw pixelTrouble('a JPEG frame has another size than the object says')
  }
  return true
}
