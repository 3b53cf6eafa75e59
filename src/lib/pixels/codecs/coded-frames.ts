import { blankPixel, wordOf } from '../blank-pixel.ts'
import { type ReadSample, storedValue } from '../gray-image.ts'
import type { ImageLayout } from '../image-layout.ts'
import type { PixelMask } from '../pixel-mask.ts'
import { pixelTrouble } from '../pixel-trouble.ts'
import type { CodecJob, CodedImage, WasmCodec } from './codec-job.ts'
import { CodecThreads } from './codec-threads.ts'
import { type Jpeg2000Header, jpeg2000Header } from './jpeg-2000-header.ts'
import { jpegLsHeader } from './jpeg-ls-header.ts'

/** Of one frame, decoded: more than any device makes. */
const mostSamples = 1 << 25

let threads: CodecThreads | undefined

/** How many frames are best given at a time. */
export function codecThreads(): CodecThreads {
  return (threads ??= new CodecThreads())
}

export interface MaskedFrame {
  readonly bytes: Buffer
  /** Photometric Interpretation of the frame, which is another where the colour transform is (PS3.5 8.2.4). */
  readonly interpretation: string
}

/**
 * A frame of JPEG-LS, JPEG 2000 or HTJ2K with the masked pixels blank and all others exactly as a decoder shows them
 * before: it is encoded again without loss, whatever it was encoded with, and was decoded again to see that it is so.
 * @param frame borrowed
 * @throws FionaError E_PIXELS
 */
export async function maskCoded(
  codec: WasmCodec,
  frame: Buffer,
  layout: ImageLayout,
  mask: PixelMask,
  options: { readonly paletteIndex: number | undefined; readonly hasTileParts?: boolean },
): Promise<MaskedFrame> {
  const { image, interleave = 0, wavelets } = headerOf(codec, frame, layout)
  const colours = coloursOf(codec, layout, wavelets)
  // As many bits of it as a sample has; a signed one fills its word.
  const range = 2 ** (image.isSigned ? 16 : image.precision)
  const blank = blankPixel(layout, options.paletteIndex).map(
    (value) => wordOf(value, layout) % range,
  )
  const { bytes } = await codecThreads().run({
    codec,
    frame: new Uint8Array(frame),
    image,
    recoding: {
      blank,
      bands: mask.bands,
      interleave,
      decompositions: Math.min(wavelets?.decompositions ?? 0, mostDecompositions(image)),
      progression: options.hasTileParts === true ? rpcl : (wavelets?.progression ?? 0),
      hasColourTransform: colours.hasTransform,
      hasTileParts: options.hasTileParts === true,
    },
  })
  return { bytes: Buffer.from(bytes.buffer), interpretation: colours.interpretation }
}

/**
 * The samples of such a frame.
 * @throws FionaError E_PIXELS
 */
export async function decodeCoded(
  codec: WasmCodec,
  frame: Buffer,
  layout: ImageLayout,
): Promise<ReadSample> {
  const { image } = headerOf(codec, frame, layout)
  const job: CodecJob = { codec, frame: new Uint8Array(frame), image, recoding: undefined }
  const { bytes, isPlanar } = await codecThreads().run(job)
  const words = image.precision > 8 ? new Uint16Array(bytes.buffer) : bytes
  const { rows, columns, samples } = image
  const [ofPixel, ofSample] = isPlanar ? [1, rows * columns] : [samples, 1]
  return (pixel, sample) => storedValue(words[pixel * ofPixel + sample * ofSample] ?? 0, layout)
}

/** Was something lost when the frame was encoded? */
export function isLossy(codec: WasmCodec, frame: Buffer): boolean {
  return codec === 'jpeg-ls' ? jpegLsHeader(frame).near > 0 : !jpeg2000Header(frame).isReversible
}

const rpcl = 2

interface Header {
  readonly image: CodedImage
  readonly interleave?: number
  readonly wavelets?: Jpeg2000Header
}

/** @throws FionaError E_PIXELS for all that the codecs are not to be given, or do not do */
function headerOf(codec: WasmCodec, frame: Buffer, layout: ImageLayout): Header {
  const header =
    codec === 'jpeg-ls' ? { ls: jpegLsHeader(frame) } : { wavelets: jpeg2000Header(frame) }
  const { rows, columns, samples, precision, isSigned } = header.ls ?? header.wavelets
  const image: CodedImage = { rows, columns, samples, precision, isSigned }
  if (rows !== layout.rows || columns !== layout.columns || samples !== layout.samples) {
    throw pixelTrouble('a frame has another size than the object says')
  }
  if (rows * columns * samples > mostSamples) throw pixelTrouble('a frame is too large')
  if (precision < 2 || precision > 16 || precision > layout.bitsAllocated) {
    throw pixelTrouble('samples of so many bits are not supported')
  }
  if (isSigned && (!layout.isSigned || precision <= 8)) {
    throw pixelTrouble('signed samples of this kind are not supported')
  }
  if (header.ls !== undefined) return { image, interleave: header.ls.interleave }
  const { wavelets } = header
  if (wavelets.isHighThroughput !== (codec === 'htj2k')) {
    throw pixelTrouble('a codestream is of another kind than the transfer syntax says')
  }
  if (samples > 1 && precision > 8) {
    throw pixelTrouble('JPEG 2000 in colours of more than 8 bits is not supported')
  }
  return { image, wavelets }
}

/** A level halves both sides: there is none behind that of a single pixel. */
function mostDecompositions({ rows, columns }: CodedImage): number {
  return Math.floor(Math.log2(Math.min(rows, columns)))
}

/**
 * With the reversible colour transform pixels are YBR_RCT, whatever they were (PS3.5 8.2.4). The encoder of JPEG 2000
 * always has it: that fits what is RGB when it is decoded, and nothing else.
 */
function coloursOf(
  codec: WasmCodec,
  { samples, interpretation }: ImageLayout,
  wavelets: Jpeg2000Header | undefined,
): { readonly hasTransform: boolean; readonly interpretation: string } {
  if (wavelets === undefined || samples === 1) return { hasTransform: false, interpretation }
  const isRgb = ['RGB', 'YBR_RCT', 'YBR_ICT'].includes(interpretation)
  if (!wavelets.hasColourTransform && codec === 'htj2k') {
    return { hasTransform: false, interpretation }
  }
  if (!wavelets.hasColourTransform && !isRgb) {
    throw pixelTrouble('JPEG 2000 in colours without a colour transform cannot be encoded again')
  }
  return { hasTransform: true, interpretation: isRgb ? 'YBR_RCT' : interpretation }
}
