import type { DicomFile, Element } from '../dicom/index.ts'
import { decodeRle, pixelTrouble } from '../pixels/index.ts'
import { type FrameCodec, codecOfPixels, decodeFrame } from './frame-codecs.ts'
import { fragmentsOfFrames, frameBytes, longestFrame } from './pixel-frames.ts'
import type { PixelLayout } from './pixel-layout.ts'

/** JPEG without a DCT. */
const losslessJpeg = /^1\.2\.840\.10008\.1\.2\.4\.(?:57|70)$/
/** Of what these are there are as many samples of each kind as there are pixels. */
const whole = ['MONOCHROME1', 'MONOCHROME2', 'PALETTE COLOR', 'RGB', 'YBR_FULL']
/** Decoding undoes the colour transform of the codestream (PS3.5 8.2.4). */
const transformed = ['YBR_RCT', 'YBR_ICT']
/** An explicit length goes up to here, and is even (PS3.5 7.1). */
const longestValue = 0xffff_fffe

/** Compressed pixels as they are natively. */
export interface NativePixels {
  /** Of all frames. */
  readonly length: number
  readonly interpretation: string
  /** One frame after the other, little endian, colour by pixel. @throws FionaError E_PIXELS */
  readonly frames: () => AsyncGenerator<Buffer, void, undefined>
}

/** Is there a decoder for pixels of this syntax? Of a single object it may be that it cannot be decoded. */
export function isDecodable(transferSyntaxUID: string): boolean {
  return codecOfPixels(transferSyntaxUID) !== undefined
}

/** @throws FionaError E_PIXELS for what would not be the same afterwards, or cannot be written */
export function nativePixelsOf(
  file: DicomFile,
  element: Element,
  layout: PixelLayout,
): NativePixels {
  const codec = codecOfPixels(file.transferSyntaxUID)
  if (codec === undefined) {
    throw pixelTrouble('their transfer syntax is not one that can be decoded')
  }
  requireExact(file, layout, codec)
  // However few bytes it is compressed to: what the header says is what there must be memory for.
  if (bytesPerFrame(layout) > longestFrame)
    throw pixelTrouble('without compression a frame is too large')
  const { frames, interpretation } = layout
  const length = bytesPerFrame(layout) * frames
  if (length > longestValue)
    throw pixelTrouble('without compression they are too long for an object')
  const fragments = fragmentsOfFrames(file, element, frames)
  return {
    length,
    interpretation: transformed.includes(interpretation) ? 'RGB' : interpretation,
    async *frames() {
      for (const one of fragments) {
        const frame = frameBytes(file, one)
        yield codec === 'rle' ? ofSegments(frame, layout) : await ofSamples(codec, frame, layout)
      }
    },
  }
}

function bytesPerFrame({ rows, columns, samples, bitsAllocated }: PixelLayout): number {
  return (rows * columns * samples * bitsAllocated) / 8
}

function requireExact(file: DicomFile, layout: PixelLayout, codec: FrameCodec): void {
  const { interpretation, bitsAllocated, bitsStored, highBit, samples } = layout
  const isTransformed = transformed.includes(interpretation)
  const mayBe = codec === 'jpeg-2000' || codec === 'htj2k' ? [...whole, ...transformed] : whole
  if (!mayBe.includes(interpretation) || (isTransformed && samples !== 3)) {
    throw pixelTrouble('colours of this kind are another thing without compression')
  }
  // Colours are mostly stored less often there, and how they are spread again each program decides for itself.
  if (codec === 'jpeg' && samples > 1 && !losslessJpeg.test(file.transferSyntaxUID)) {
    throw pixelTrouble('JPEG in colours is decoded only when it is lossless')
  }
  if (codec === 'rle') {
    if (bitsAllocated % 8 !== 0) throw pixelTrouble('samples of so many bits are not supported')
    return
  }
  if ((bitsAllocated !== 8 && bitsAllocated !== 16) || highBit !== bitsStored - 1) {
    throw pixelTrouble('samples of so many bits are not supported')
  }
  // Only bytes that are kept as they are, as RLE has them, keep what is beside the samples.
  if (hasOverlayInPixels(file)) throw pixelTrouble('there are overlays in their unused bits')
}

/** Overlay Bit Position (60xx,0102) says so where there is no Overlay Data (60xx,3000); retired, and still in old objects. */
function hasOverlayInPixels({ dataSet }: DicomFile): boolean {
  const groups = (element: number): Set<number> =>
    new Set(
      dataSet.elements
        .filter(({ tag }) => tag >>> 24 === 0x60 && (tag & 0xffff) === element)
        .map(({ tag }) => tag >>> 16),
    )
  const data = groups(0x3000)
  return [...groups(0x0102)].some((group) => !data.has(group))
}

/** Segments are bytes of samples, the most significant first (PS3.5 G.2). */
function ofSegments(frame: Buffer, layout: PixelLayout): Buffer {
  const { rows, columns, samples, bitsAllocated } = layout
  const segments = decodeRle(frame, layout)
  const bytes = bitsAllocated / 8
  const pixels = rows * columns
  const native = Buffer.allocUnsafe(bytesPerFrame(layout))
  for (const [index, segment] of segments.entries()) {
    const sample = Math.floor(index / bytes)
    const start = sample * bytes + (bytes - 1 - (index % bytes))
    const step = samples * bytes
    for (let pixel = 0; pixel < pixels; pixel++) native[start + pixel * step] = segment[pixel] ?? 0
  }
  return native
}

/** Bits beyond those of a sample are zero, or its sign. */
async function ofSamples(codec: FrameCodec, frame: Buffer, layout: PixelLayout): Promise<Buffer> {
  const { rows, columns, samples, bitsAllocated } = layout
  const read = await decodeFrame(codec, frame, layout)
  const pixels = rows * columns
  const words =
    bitsAllocated === 8 ? new Uint8Array(pixels * samples) : new Uint16Array(pixels * samples)
  for (let pixel = 0, at = 0; pixel < pixels; pixel++) {
    for (let sample = 0; sample < samples; sample++) words[at++] = read(pixel, sample)
  }
  // Of the processor, which is little endian wherever Node runs on it.
  return Buffer.from(words.buffer)
}
