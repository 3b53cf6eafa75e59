import { type ReadSample, storedValue } from './gray-image.ts'
import type { ImageLayout } from './image-layout.ts'
import { inverseDct, zigzag } from './inverse-dct.ts'
import { type BlockOf, type Units, blocksOf, dctScans, extended, unitsOf } from './jpeg-dct.ts'
import { decodeLosslessScan } from './jpeg-lossless.ts'
import { Marker } from './jpeg-segments.ts'
import { isSupported, requireSame } from './mask-jpeg.ts'
import { PixelMask } from './pixel-mask.ts'
import { pixelTrouble } from './pixel-trouble.ts'
import { type ScanToWrite, type SymbolSink, walkJpeg } from './rewrite-jpeg.ts'

const mostPixels = 1 << 26

/** Samples of one component, as many as it has blocks. */
interface Plane {
  readonly samples: Uint16Array
  readonly columns: number
  /** How much smaller than the image it is. */
  readonly across: number
  readonly down: number
}

/**
 * The samples of a JPEG frame, good enough to be looked at: subsampled ones stand for all the pixels they cover.
 * @throws FionaError E_PIXELS
 */
export function decodeJpeg(bytes: Buffer, image: ImageLayout): ReadSample {
  if (image.rows * image.columns > mostPixels) throw pixelTrouble('a JPEG frame is too large')
  const planes: Plane[] = []
  const noMask = PixelMask.of([], image.rows, image.columns)
  const tell = dctScans(image, noMask, new Array<number>(image.samples).fill(0))
  walkJpeg(bytes, (frame) => isSupported(frame) && requireSame(frame, image), {
    segment: () => undefined,
    scan(scan) {
      if (scan.frame.process !== Marker.SOF3) return tell(scan, new PlaneSink(scan, planes))
      const { planes: decoded, end } = decodeLosslessScan(scan)
      scan.header.components.forEach(({ index }, at) => {
        const samples = (decoded[at] ?? new Uint16Array()).map((value) => value << scan.header.low)
        planes[index] = { samples, columns: image.columns, across: 1, down: 1 }
      })
      return end
    },
  })
  return (pixel, sample) => {
    const plane = planes[sample]
    if (plane === undefined) return 0
    const row = Math.floor(Math.floor(pixel / image.columns) / plane.down)
    const column = Math.floor((pixel % image.columns) / plane.across)
    return storedValue(plane.samples[row * plane.columns + column] ?? 0, image)
  }
}

/** Makes samples of the symbols of a scan, which come block by block. */
class PlaneSink implements SymbolSink {
  readonly #scan: ScanToWrite
  readonly #units: Units
  readonly #blocks: readonly BlockOf[]
  readonly #planes: readonly Plane[]
  readonly #differences: Int32Array
  readonly #coefficients = new Float64Array(64)
  /** Which coefficient comes next. */
  #next = 64
  #block = -1
  #quantization: Uint16Array = new Uint16Array(64)

  constructor(scan: ScanToWrite, planes: Plane[]) {
    this.#scan = scan
    const { components } = scan.header
    this.#units = unitsOf(scan.frame, components)
    this.#blocks = blocksOf(components)
    this.#differences = new Int32Array(components.length)
    for (const { index, component } of components) {
      const across = this.#units.wholeWidth / 8 / component.horizontal
      const down = this.#units.wholeHeight / 8 / component.vertical
      const columns =
        Math.ceil(scan.frame.columns / this.#units.wholeWidth) * component.horizontal * 8
      const rows = Math.ceil(scan.frame.rows / this.#units.wholeHeight) * component.vertical * 8
      planes[index] = { samples: new Uint16Array(columns * rows), columns, across, down }
    }
    this.#planes = components.map(({ index }) => planes[index] as Plane)
  }

  symbol(slot: number, symbol: number, bits: number, bitCount: number): void {
    const value = extended(bits, bitCount)
    if (slot < 4) {
      this.#block += 1
      const { chosen, at } = this.#current()
      this.#coefficients.fill(0)
      this.#quantization =
        this.#scan.state.quantization[chosen.component.quantization] ?? this.#quantization
      this.#differences[at] = (this.#differences[at] ?? 0) + value
      this.#put(0, this.#differences[at] ?? 0)
      this.#next = 1
      return
    }
    if (symbol === 0) this.#next = 64
    else {
      this.#next += symbol >> 4
      this.#put(this.#next, value)
      this.#next += 1
    }
    if (this.#next >= 64) this.#finish()
  }

  restart(): void {
    this.#differences.fill(0)
  }

  #current(): BlockOf {
    return this.#blocks[this.#block % this.#blocks.length] as BlockOf
  }

  #put(at: number, value: number): void {
    this.#coefficients[zigzag[at] ?? 0] = value * (this.#quantization[at] ?? 0)
  }

  #finish(): void {
    const { chosen, at } = this.#current()
    const plane = this.#planes[at] as Plane
    const unit = Math.floor(this.#block / this.#blocks.length)
    const isAlone = this.#scan.header.components.length === 1
    const { horizontal, vertical } = isAlone ? { horizontal: 1, vertical: 1 } : chosen.component
    const first = this.#blocks.findIndex((one) => one.at === at)
    const within = (this.#block % this.#blocks.length) - first
    const column = (unit % this.#units.across) * horizontal + (within % horizontal)
    const row = Math.floor(unit / this.#units.across) * vertical + Math.floor(within / horizontal)
    const { precision } = this.#scan.frame
    const [half, largest] = [2 ** (precision - 1), 2 ** precision - 1]
    inverseDct(this.#coefficients)
    for (let y = 0; y < 8; y++) {
      const start = (row * 8 + y) * plane.columns + column * 8
      for (let x = 0; x < 8; x++) {
        const value = Math.round(this.#coefficients[y * 8 + x] ?? 0) + half
        plane.samples[start + x] = Math.min(largest, Math.max(0, value))
      }
    }
  }
}
