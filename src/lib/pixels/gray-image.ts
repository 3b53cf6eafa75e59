import type { ByteOrder, ImageLayout } from './image-layout.ts'
import { pixelTrouble } from './pixel-trouble.ts'

/** A picture to be looked at by a program: one byte a pixel, from 0 for the darkest to 255 for the lightest. */
export interface GrayImage {
  readonly columns: number
  readonly rows: number
  readonly pixels: Buffer
}

/** Of a palette: how light each index is, and which index the first one is. */
export interface PaletteLight {
  readonly first: number
  readonly light: readonly number[]
}

/** The stored numbers of one pixel's samples, whole and with their sign. */
export type ReadSample = (pixel: number, sample: number) => number

/** @throws FionaError E_PIXELS for a layout that is not known */
export function nativeSamples(frame: Buffer, image: ImageLayout, order: ByteOrder): ReadSample {
  const { rows, columns, samples, bitsAllocated, interpretation, isPlanar } = image
  if (![8, 16, 32].includes(bitsAllocated)) {
    throw pixelTrouble(`${String(bitsAllocated)} bits allocated are not supported`)
  }
  const bytes = bitsAllocated / 8
  const swap = order.swapsBytes ? 1 : 0
  const word = (index: number) => {
    const at = index * bytes
    if (at + bytes > frame.length) return 0
    if (bytes === 1) return frame[at ^ swap] ?? 0
    return order.littleEndian ? frame.readUIntLE(at, bytes) : frame.readUIntBE(at, bytes)
  }
  const value = (index: number) => storedValue(word(index), image)
  if (interpretation === 'YBR_FULL_422' || interpretation === 'YBR_PARTIAL_422') {
    return (pixel, sample) => value((pixel >> 1) * 4 + (sample === 0 ? pixel & 1 : sample + 1))
  }
  if (interpretation === 'YBR_PARTIAL_420') throw pixelTrouble('native 4:2:0 is not supported')
  if (isPlanar) return (pixel, sample) => value(sample * rows * columns + pixel)
  return (pixel, sample) => value(pixel * samples + sample)
}

/** The number that a word of bitsAllocated bits stands for. */
export function storedValue(word: number, { bitsStored, highBit, isSigned }: ImageLayout): number {
  const value = Math.floor(word / 2 ** (highBit - bitsStored + 1)) % 2 ** bitsStored
  return isSigned && value >= 2 ** (bitsStored - 1) ? value - 2 ** bitsStored : value
}

/** From the smallest to the largest value of the frame, whatever these are. */
export function grayImage(
  read: ReadSample,
  { rows, columns, samples, interpretation }: ImageLayout,
  palette?: PaletteLight,
): GrayImage {
  const count = rows * columns
  const light = new Float64Array(count)
  for (let at = 0; at < count; at++) {
    const first = read(at, 0)
    if (palette !== undefined && samples === 1) {
      light[at] = palette.light[Math.max(0, first - palette.first)] ?? palette.light.at(-1) ?? 0
    } else if (samples === 3 && interpretation === 'RGB') {
      light[at] = 0.299 * first + 0.587 * read(at, 1) + 0.114 * read(at, 2)
    } else light[at] = first
  }
  let smallest = Infinity
  let largest = -Infinity
  for (const value of light) {
    if (value < smallest) smallest = value
    if (value > largest) largest = value
  }
  const scale = largest > smallest ? 255 / (largest - smallest) : 0
  const pixels = Buffer.allocUnsafe(count)
  for (let at = 0; at < count; at++) pixels[at] = ((light[at] ?? 0) - smallest) * scale
  return { columns, rows, pixels }
}

/** Portable graymap, which every program of this kind reads. */
export function graymap({ columns, rows, pixels }: GrayImage): Buffer {
  return Buffer.concat([Buffer.from(`P5\n${String(columns)} ${String(rows)}\n255\n`), pixels])
}

/** Each pixel as a square of them: programs that read text want letters of some twenty pixels. */
export function enlarged({ columns, rows, pixels }: GrayImage, factor: number): GrayImage {
  const wide = columns * factor
  const large = Buffer.allocUnsafe(wide * rows * factor)
  for (let row = 0; row < rows; row++) {
    const start = row * factor * wide
    for (let column = 0; column < columns; column++) {
      const at = start + column * factor
      large.fill(pixels[row * columns + column] ?? 0, at, at + factor)
    }
    for (let copy = 1; copy < factor; copy++)
      large.copy(large, start + copy * wide, start, start + wide)
  }
  return { columns: wide, rows: rows * factor, pixels: large }
}
