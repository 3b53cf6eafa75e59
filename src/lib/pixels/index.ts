/**
 * Pixels as bytes, and how to make a part of them blank without touching the rest. Nothing here knows DICOM files: a
 * layout says what the bytes mean, a mask which pixels go, and what comes out is as the input was but for these.
 *
 * Native pixels are blanked where they pass by. RLE and lossless JPEG are decoded and encoded again, which changes
 * nothing else. Of baseline JPEG only the codes are read: units that the mask touches are emptied, the coefficients of
 * all others stay the numbers they were, so there is no loss of a generation. JPEG-LS, JPEG 2000 and HTJ2K are decoded
 * and encoded again without loss by codecs in threads of their own (`codecs/`). Whatever cannot be done exactly is refused
 * (E_PIXELS).
 */
export { clearUnusedBits } from './clear-unused-bits.ts'
export type { WasmCodec } from './codecs/codec-job.ts'
export { codecThreads, decodeCoded, isLossy, maskCoded } from './codecs/coded-frames.ts'
export { decodeJpeg } from './decode-jpeg.ts'
export {
  type GrayImage,
  type ReadSample,
  type PaletteLight,
  enlarged,
  grayImage,
  graymap,
  nativeSamples,
} from './gray-image.ts'
export type { ByteOrder, ImageLayout } from './image-layout.ts'
export { maskJpeg } from './mask-jpeg.ts'
export { type Edit, maskNative } from './mask-native.ts'
export { maskRle } from './mask-rle.ts'
export { PixelMask, type Rectangle } from './pixel-mask.ts'
export { decodeRle, rleSamples } from './rle.ts'
export { pixelTrouble } from './pixel-trouble.ts'
