import {
  type PixelMask,
  type ReadSample,
  type WasmCodec,
  codecThreads,
  decodeCoded,
  decodeJpeg,
  maskCoded,
  maskJpeg,
  maskRle,
  rleSamples,
} from '../pixels/index.ts'
import type { PixelLayout } from './pixel-layout.ts'

export type FrameCodec = 'rle' | 'jpeg' | WasmCodec

/** HTJ2K Lossless RPCL: its resolutions can be fetched one by one (PS3.5 A.4.4). */
const htj2kLosslessRpcl = '1.2.840.10008.1.2.4.202'

const codecs: readonly (readonly [RegExp, FrameCodec])[] = [
  [/^1\.2\.840\.10008\.1\.2\.5$/, 'rle'],
  // With the retired ones of the progressive processes.
  [/^1\.2\.840\.10008\.1\.2\.4\.(?:5[013457]|70)$/, 'jpeg'],
  [/^1\.2\.840\.10008\.1\.2\.4\.8[01]$/, 'jpeg-ls'],
  [/^1\.2\.840\.10008\.1\.2\.4\.9[01]$/, 'jpeg-2000'],
  [/^1\.2\.840\.10008\.1\.2\.4\.20[123]$/, 'htj2k'],
]

/** What can be decoded and encoded again (PS3.5 A.4); undefined for any other syntax. */
export function codecOfPixels(transferSyntaxUID: string): FrameCodec | undefined {
  return codecs.find(([pattern]) => pattern.test(transferSyntaxUID))?.[1]
}

/** Those that are done in threads want work for each of these. */
export function framesAtOnce(codec: FrameCodec): number {
  return codec === 'rle' || codec === 'jpeg' ? 1 : codecThreads().size
}

/** @throws FionaError E_PIXELS */
export async function maskFrame(
  codec: FrameCodec,
  frame: Buffer,
  transferSyntaxUID: string,
  layout: PixelLayout,
  { mask, paletteIndex }: { readonly mask: PixelMask; readonly paletteIndex: number | undefined },
): Promise<{ readonly bytes: Buffer; readonly interpretation: string }> {
  if (codec === 'rle' || codec === 'jpeg') {
    const maskOne = codec === 'rle' ? maskRle : maskJpeg
    const { interpretation } = layout
    return { bytes: maskOne(frame, layout, mask, paletteIndex), interpretation }
  }
  const hasTileParts = transferSyntaxUID === htj2kLosslessRpcl
  return maskCoded(codec, frame, layout, mask, { paletteIndex, hasTileParts })
}

/** @throws FionaError E_PIXELS */
export async function decodeFrame(
  codec: FrameCodec,
  frame: Buffer,
  layout: PixelLayout,
): Promise<ReadSample> {
  if (codec === 'rle') return rleSamples(frame, layout)
  return codec === 'jpeg' ? decodeJpeg(frame, layout) : decodeCoded(codec, frame, layout)
}
