import type { DicomFile, Element } from '../../dicom/index.ts'
import {
  type GrayImage,
  decodeJpeg,
  grayImage,
  nativeSamples,
  pixelTrouble,
  rleSamples,
} from '../../pixels/index.ts'
import { paletteLight } from './palette-light.ts'
import { byteOrderOf, codecOfPixels } from './masked-pixels.ts'
import { fragmentsOfFrames, frameBytes } from './pixel-frames.ts'
import type { PixelLayout } from './pixel-layout.ts'

/**
 * A frame as a picture in grays.
 * @throws FionaError E_PIXELS when it cannot be decoded
 */
export function renderFrame(
  file: DicomFile,
  element: Element,
  layout: PixelLayout,
  frame: number,
): GrayImage {
  const palette = layout.interpretation === 'PALETTE COLOR' ? paletteLight(file) : undefined
  if (element.fragments === undefined) {
    const bytes = Math.ceil(layout.bitsPerFrame / 8)
    const start = element.offset + frame * bytes
    if (start + bytes > element.offset + element.length) throw pixelTrouble('a frame is missing')
    const order = byteOrderOf(file, element, layout)
    return grayImage(nativeSamples(file.range(start, bytes), layout, order), layout, palette)
  }
  const codec = codecOfPixels(file.transferSyntaxUID)
  const fragments = fragmentsOfFrames(file, element, layout.frames)[frame] ?? []
  const encoded = frameBytes(file, fragments)
  if (codec === 'rle') return grayImage(rleSamples(encoded, layout), layout, palette)
  if (codec === 'jpeg') return grayImage(decodeJpeg(encoded, layout), layout, palette)
  throw pixelTrouble('their transfer syntax is not one that can be decoded')
}
