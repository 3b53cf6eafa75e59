import type { DicomFile, Element } from '../../dicom/index.ts'
import {
  codecOfPixels,
  decodeFrame,
  fragmentsOfFrames,
  frameBytes,
  type PixelLayout,
} from '../../image/index.ts'
import { type GrayImage, grayImage, nativeSamples, pixelTrouble } from '../../pixels/index.ts'
import { paletteLight } from './palette-light.ts'
import { byteOrderOf } from './masked-pixels.ts'

/**
 * A frame as a picture in grays.
 * @throws FionaError E_PIXELS when it cannot be decoded
 */
export async function renderFrame(
  file: DicomFile,
  element: Element,
  layout: PixelLayout,
  frame: number,
): Promise<GrayImage> {
  const palette = layout.interpretation === 'PALETTE COLOR' ? paletteLight(file) : undefined
  if (element.fragments === undefined) {
    const bytes = Math.ceil(layout.bitsPerFrame / 8)
    const start = element.offset + frame * bytes
    if (start + bytes > element.offset + element.length) throw pixelTrouble('a frame is missing')
    const order = byteOrderOf(file, element, layout)
    return grayImage(nativeSamples(file.range(start, bytes), layout, order), layout, palette)
  }
  const codec = codecOfPixels(file.transferSyntaxUID)
  if (codec === undefined) {
    throw pixelTrouble('their transfer syntax is not one that can be decoded')
  }
  const fragments = fragmentsOfFrames(file, element, layout.frames)[frame] ?? []
  const encoded = frameBytes(file, fragments)
  return grayImage(await decodeFrame(codec, encoded, layout), layout, palette)
}
