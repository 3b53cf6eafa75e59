/**
 * The pixels of a DICOM object: what its attributes say of them, where each frame lies, and the samples of a frame, whatever it is
 * compressed with. What is to become of them, others decide: who de-identifies, and who sends.
 */
export {
  type FrameCodec,
  codecOfPixels,
  decodeFrame,
  framesAtOnce,
  maskFrame,
} from './frame-codecs.ts'
export { type Fragment, fragmentsOfFrames, frameBytes } from './pixel-frames.ts'
export { type NativePixels, isDecodable, nativePixelsOf } from './native-frames.ts'
export { type PixelLayout, pixelLayoutOf } from './pixel-layout.ts'
export { saidOfLoss } from './lossy-compression.ts'
export { PixelSpool } from './pixel-spool.ts'
