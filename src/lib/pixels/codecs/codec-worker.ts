// The thread behind `CodecThreads`: decodes a frame, makes a part of it blank, encodes it, and holds what it made
// against what it should be. A codec is loaded when a frame first needs it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import type {
  CodecAnswer,
  CodecJob,
  CodecResult,
  CodecThreadData,
  CodedImage,
  Recoding,
  WasmCodec,
} from './codec-job.ts'

const { folder, mostBytes } = workerData as CodecThreadData
const pageBytes = 1 << 16

/** The codecs know no limit but that of the address space. A codec that gets no memory fails. */
const grow: (this: WebAssembly.Memory, pages: number) => number = Reflect.get(
  WebAssembly.Memory.prototype,
  'grow',
)
WebAssembly.Memory.prototype.grow = function (this: WebAssembly.Memory, pages: number): number {
  if (this.buffer.byteLength + pages * pageBytes > mostBytes) throw new RangeError('too much')
  return grow.call(this, pages)
}

interface Codec {
  decoder(): WasmDecoder
  /** Set up but for its samples. */
  encoder(image: CodedImage, recoding: Recoding): WasmEncoder
  isPlanar(decoder: WasmDecoder, image: CodedImage): boolean
}

const byPixel = () => false
const loaders: Readonly<Record<WasmCodec, () => Promise<Codec>>> = {
  async 'jpeg-ls'() {
    const load = (await import('@cornerstonejs/codec-charls/wasmjs')).default
    const { JpegLSDecoder, JpegLSEncoder } = await load(optionsFor('charlswasm.wasm'))
    return {
      decoder: () => new JpegLSDecoder(),
      encoder(_, { interleave }) {
        const encoder = new JpegLSEncoder()
        encoder.setNearLossless(0)
        encoder.setInterleaveMode(interleave)
        return encoder
      },
      isPlanar: (decoder, { samples }) =>
        samples > 1 && (decoder as InstanceType<typeof JpegLSDecoder>).getInterleaveMode() === 0,
    }
  },
  async 'jpeg-2000'() {
    const load = (await import('@cornerstonejs/codec-openjpeg/wasmjs')).default
    const { J2KDecoder, J2KEncoder } = await load(optionsFor('openjpegwasm.wasm'))
    return {
      decoder: () => new J2KDecoder(),
      encoder: (_, recoding) => waveletEncoder(new J2KEncoder(), recoding),
      isPlanar: byPixel,
    }
  },
  async htj2k() {
    const load = (await import('@cornerstonejs/codec-openjph/wasmjs')).default
    const { HTJ2KDecoder, HTJ2KEncoder } = await load(optionsFor('openjphjs.wasm'))
    return {
      decoder: () => new HTJ2KDecoder(),
      encoder(_, recoding) {
        const encoder = waveletEncoder(new HTJ2KEncoder(), recoding)
        encoder.setTLMMarker(recoding.hasTileParts)
        encoder.setTilePartDivisionsAtResolutions(recoding.hasTileParts)
        return encoder
      },
      isPlanar: byPixel,
    }
  },
}
const loaded = new Map<WasmCodec, Promise<Codec>>()

parentPort?.on('message', (job: CodecJob) => {
  void answer(job).then((result) => {
    parentPort?.postMessage(result, 'bytes' in result ? [result.bytes.buffer] : [])
  })
})

/** What a codec says of a hostile frame is not repeated: it is not ours. */
async function answer({ codec: name, frame, image, recoding }: CodecJob): Promise<CodecAnswer> {
  let codec = loaded.get(name)
  if (codec === undefined) loaded.set(name, (codec = loaders[name]()))
  try {
    const ready = await codec
    let decoded: CodecResult
    try {
      decoded = decode(ready, frame, image)
    } catch {
      return { trouble: 'a frame cannot be decoded' }
    }
    if (recoding === undefined) return decoded
    limitToPrecision(decoded.bytes, image)
    blankOut(decoded, image, recoding)
    const bytes = encode(ready, decoded.bytes, image, recoding)
    const again = decode(ready, bytes, image)
    if (again.isPlanar === decoded.isPlanar && sameBytes(again.bytes, decoded.bytes)) {
      return { bytes, isPlanar: false }
    }
  } catch {
    // As below: no frame that could be used came of it.
  }
  return { trouble: 'a frame cannot be encoded again without a change' }
}

function optionsFor(file: string): WasmOptions {
  const silent = () => undefined
  return { wasmBinary: readFileSync(join(folder, file)), print: silent, printErr: silent }
}

function waveletEncoder<Encoder extends WaveletEncoder>(
  encoder: Encoder,
  { decompositions, progression }: Recoding,
): Encoder {
  encoder.setQuality(true, 0)
  encoder.setDecompositions(decompositions)
  encoder.setProgressionOrder(progression)
  return encoder
}

/** @throws anything for a frame that is not what its header was read to be */
function decode(codec: Codec, frame: Uint8Array, image: CodedImage): CodecResult {
  const decoder = codec.decoder()
  try {
    decoder.getEncodedBuffer(frame.length).set(frame)
    decoder.decode()
    const { width, height, bitsPerSample, componentCount } = decoder.getFrameInfo()
    const isAsSaid =
      width === image.columns &&
      height === image.rows &&
      bitsPerSample === image.precision &&
      componentCount === image.samples
    const bytes = new Uint8Array(decoder.getDecodedBuffer())
    if (!isAsSaid || bytes.length !== lengthOf(image)) throw new Error('another image')
    return { bytes, isPlanar: codec.isPlanar(decoder, image) }
  } finally {
    decoder.delete()
  }
}

function encode(
  codec: Codec,
  samples: Uint8Array,
  image: CodedImage,
  recoding: Recoding,
): Uint8Array<ArrayBuffer> {
  const encoder = codec.encoder(image, recoding)
  try {
    const target = encoder.getDecodedBuffer({
      width: image.columns,
      height: image.rows,
      bitsPerSample: image.precision,
      componentCount: image.samples,
      isSigned: image.isSigned,
      isUsingColorTransform: recoding.hasColourTransform,
    })
    target.set(samples)
    encoder.encode()
    return new Uint8Array(encoder.getEncodedBuffer())
  } finally {
    encoder.delete()
  }
}

function lengthOf({ rows, columns, samples, precision }: CodedImage): number {
  return rows * columns * samples * bytesOf(precision)
}

function bytesOf(precision: number): 1 | 2 {
  return precision > 8 ? 2 : 1
}

function wordsOf(bytes: Uint8Array<ArrayBuffer>, precision: number): Uint8Array | Uint16Array {
  return bytesOf(precision) === 1 ? bytes : new Uint16Array(bytes.buffer)
}

/** An irreversible transform overshoots: what is beyond the range of the precision every viewer cuts off. */
function limitToPrecision(
  bytes: Uint8Array<ArrayBuffer>,
  { precision, isSigned }: CodedImage,
): void {
  if (precision % 8 === 0) return
  const half = 2 ** (precision - 1)
  const words = isSigned ? new Int16Array(bytes.buffer) : wordsOf(bytes, precision)
  const [smallest, largest] = isSigned ? [-half, half - 1] : [0, 2 * half - 1]
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? 0
    if (word > largest) words[at] = largest
    else if (word < smallest) words[at] = smallest
  }
}

function blankOut(
  { bytes, isPlanar }: CodecResult,
  { rows, columns, samples, precision }: CodedImage,
  { blank, bands }: Recoding,
): void {
  const words = wordsOf(bytes, precision)
  const [ofPixel, ofSample] = isPlanar ? [1, rows * columns] : [samples, 1]
  for (const { top, bottom, spans } of bands) {
    for (let row = top; row < bottom; row++) {
      for (const [from, to] of spans) {
        for (let pixel = row * columns + from; pixel < row * columns + to; pixel++) {
          for (let sample = 0; sample < samples; sample++) {
            words[pixel * ofPixel + sample * ofSample] = blank[sample] ?? 0
          }
        }
      }
    }
  }
}

function sameBytes(one: Uint8Array<ArrayBuffer>, other: Uint8Array<ArrayBuffer>): boolean {
  return Buffer.from(one.buffer).equals(Buffer.from(other.buffer))
}
