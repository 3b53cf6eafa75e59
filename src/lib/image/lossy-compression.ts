import { type DicomFile, type Element, type OutElement, textElement } from '../dicom/index.ts'
import { isLossy } from '../pixels/index.ts'
import { codecOfPixels } from './frame-codecs.ts'
import { type Fragment, frameBytes } from './pixel-frames.ts'
import type { PixelLayout } from './pixel-layout.ts'

const Tag = {
  LossyImageCompression: 0x00282110,
  LossyImageCompressionRatio: 0x00282112,
  LossyImageCompressionMethod: 0x00282114,
}
const { LossyImageCompressionRatio: Ratio, LossyImageCompressionMethod: Method } = Tag

/** Defined terms of PS3.3 C.7.6.1.1.5.1, by the last part of the syntax. */
const methods: readonly (readonly [RegExp, string])[] = [
  [/\.4\.5[0-5]$/, 'ISO_10918_1'],
  [/\.4\.81$/, 'ISO_14495_1'],
  [/\.4\.91$/, 'ISO_15444_1'],
  [/\.4\.203$/, 'ISO_15444_15'],
]

/**
 * What an object whose pixels are a lossy codestream has to say of it (PS3.3 C.7.6.1.1.5), where it does not say so. Neither masking
 * nor decoding loses anything more, so there is no second ratio; after it no codestream may show any more what was lost.
 * @param frame the fragments of the first one, as they were
 */
export function saidOfLoss(
  file: DicomFile,
  element: Element,
  { bitsPerFrame, frames }: PixelLayout,
  frame: readonly Fragment[],
): OutElement[] {
  const { dataSet, transferSyntaxUID } = file
  const method = methods.find(([pattern]) => pattern.test(transferSyntaxUID))?.[1]
  const codec = codecOfPixels(transferSyntaxUID)
  if (method === undefined || codec === undefined || codec === 'rle') return []
  const saysSo = file.string(dataSet, Tag.LossyImageCompression)?.trim() === '01'
  const isSaid = saysSo && [Ratio, Method].every((tag) => (file.string(dataSet, tag) ?? '') !== '')
  if (isSaid) return []
  if (codec !== 'jpeg' && !isLossy(codec, frameBytes(file, frame))) return []
  const [, ...fragments] = element.fragments ?? []
  const bytes = fragments.reduce((sum, { length }) => sum + length, 0)
  const ratio = (bitsPerFrame * frames) / 8 / Math.max(1, bytes)
  return [
    textElement(Tag.LossyImageCompression, 'CS', '01'),
    textElement(Ratio, 'DS', ratio.toPrecision(4)),
    textElement(Method, 'CS', method),
  ]
}
