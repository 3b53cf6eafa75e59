import { BitReader } from './jpeg-bits.ts'
import type { HuffmanTable } from './jpeg-huffman.ts'
import type { ImageLayout } from './image-layout.ts'
import {
  type FrameHeader,
  type JpegState,
  Marker,
  type ScanComponent,
  slotOf,
} from './jpeg-segments.ts'
import type { PixelMask } from './pixel-mask.ts'
import { pixelTrouble } from './pixel-trouble.ts'
import type { ScanToWrite, SymbolSink, TellScan } from './rewrite-jpeg.ts'

/** Blocks of one frame: a whole slide at once is not a frame of a device. */
const mostBlocks = 1 << 22
const endOfBlock = 0
const sixteenZeros = 0xf0

/**
 * Tells baseline and extended sequential scans with all units blank that the mask touches. Nothing is transformed
 * back: all other coefficients are the same numbers as before, so nothing is lost but what was masked.
 * @param blank the samples of a blank pixel
 */
export function dctScans(image: ImageLayout, mask: PixelMask, blank: readonly number[]): TellScan {
  return (scan, sink) =>
    tellScan(scan, sink, mask, (component) => blankDc(component, blank, image, scan))
}

/** How the frame is cut into units of the scan (A.2). */
export interface Units {
  readonly across: number
  readonly down: number
  /** Pixels of a unit. */
  readonly width: number
  readonly height: number
  /** Pixels of a unit of all components together. */
  readonly wholeWidth: number
  readonly wholeHeight: number
}

export interface BlockOf {
  readonly chosen: ScanComponent
  readonly at: number
}

export function unitsOf(frame: FrameHeader, components: readonly ScanComponent[]): Units {
  const horizontal = Math.max(...frame.components.map((one) => one.horizontal))
  const vertical = Math.max(...frame.components.map((one) => one.vertical))
  const [wholeWidth, wholeHeight] = [8 * horizontal, 8 * vertical]
  const [only] = components
  if (components.length > 1 || only === undefined) {
    const across = Math.ceil(frame.columns / wholeWidth)
    const down = Math.ceil(frame.rows / wholeHeight)
    return { across, down, width: wholeWidth, height: wholeHeight, wholeWidth, wholeHeight }
  }
  // Alone in its scan a component has no more blocks than its samples need.
  const { component } = only
  return {
    across: Math.ceil(Math.ceil((frame.columns * component.horizontal) / horizontal) / 8),
    down: Math.ceil(Math.ceil((frame.rows * component.vertical) / vertical) / 8),
    width: wholeWidth / component.horizontal,
    height: wholeHeight / component.vertical,
    wholeWidth,
    wholeHeight,
  }
}

/** The DC coefficient of a block that is all of the blank value, or beyond it where that is the end of the range. */
function blankDc(
  { index, component }: ScanComponent,
  blank: readonly number[],
  image: ImageLayout,
  { frame, state }: ScanToWrite,
): number {
  const step = state.quantization[component.quantization]?.[0] ?? 0
  if (step === 0) throw pixelTrouble('a JPEG component has no quantization table')
  const range = 2 ** frame.precision
  const value = colourOf(index, blank, image, state) % range
  const exact = ((value - range / 2) * 8) / step
  if (value === 0) return Math.floor(exact)
  return value === range - 1 ? Math.ceil(exact) : Math.round(exact)
}

/** Adobe's segment decides for most decoders what three components are, whatever the object says. */
function colourOf(
  index: number,
  blank: readonly number[],
  { samples, bitsStored }: ImageLayout,
  { adobeTransform }: JpegState,
): number {
  if (samples !== 3 || adobeTransform === undefined) return blank[index] ?? 0
  return adobeTransform === 0 || index === 0 ? 0 : 2 ** (bitsStored - 1)
}

function tellScan(
  { bytes, start, header, frame, state }: ScanToWrite,
  sink: SymbolSink,
  mask: PixelMask,
  blankOf: (component: ScanComponent) => number,
): number {
  if (header.start !== 0 || header.end !== 63 || header.high !== 0 || header.low !== 0) {
    throw pixelTrouble('a JPEG scan has a part of the coefficients only')
  }
  const { components } = header
  const units = unitsOf(frame, components)
  const blocks = blocksOf(components)
  if (units.across * units.down * blocks.length > mostBlocks) {
    throw pixelTrouble('a JPEG frame is too large')
  }
  const reader = new BitReader(bytes, start)
  const tables = components.map(({ dc, ac }) => ({
    dc: state.requireTable(0, dc),
    ac: state.requireTable(1, ac),
  }))
  const blanks = components.map(blankOf)
  const before = new Int32Array(components.length)
  const after = new Int32Array(components.length)
  const longestDc = frame.precision === 8 ? 11 : 15
  let left = state.restartInterval
  let restarts = 0
  for (let down = 0; down < units.down; down++) {
    for (let across = 0; across < units.across; across++) {
      if (state.restartInterval > 0 && left === 0) {
        const at = reader.end()
        const marker = Marker.RST0 + (restarts % 8)
        if (bytes[at] !== 0xff || bytes[at + 1] !== marker) {
          throw pixelTrouble('a JPEG scan has no restart marker where one is due')
        }
        reader.restart(at + 2)
        sink.restart(marker)
        restarts += 1
        left = state.restartInterval
        before.fill(0)
        after.fill(0)
      }
      left -= 1
      // Outward to whole units of all components, so that none of them keeps what others lose.
      const x = Math.floor((across * units.width) / units.wholeWidth) * units.wholeWidth
      const y = Math.floor((down * units.height) / units.wholeHeight) * units.wholeHeight
      const isMasked = mask.touches(x, y, x + units.wholeWidth, y + units.wholeHeight)
      for (const { chosen, at } of blocks) {
        const table = tables[at]
        if (table === undefined) continue
        const category = table.dc.read(reader)
        if (category > 15) throw pixelTrouble('a JPEG scan has a difference that cannot be')
        before[at] = (before[at] ?? 0) + extended(reader.take(category), category)
        const value = isMasked ? (blanks[at] ?? 0) : (before[at] ?? 0)
        tellDifference(sink, chosen.dc, value - (after[at] ?? 0), longestDc)
        after[at] = value
        tellRest(reader, table.ac, sink, slotOf(1, chosen.ac), isMasked)
      }
    }
  }
  return reader.end()
}

function oneBlock(components: readonly ScanComponent[]): BlockOf[] {
  return components.map((chosen, at) => ({ chosen, at }))
}

/** The blocks of a unit in their order (A.2.3): all of a component from left to right and down, then the next. */
export function blocksOf(components: readonly ScanComponent[]): BlockOf[] {
  return components.length === 1 ? oneBlock(components) : blocksOfUnit(components)
}

function blocksOfUnit(components: readonly ScanComponent[]): BlockOf[] {
  return components.flatMap((chosen, at) =>
    Array.from({ length: chosen.component.horizontal * chosen.component.vertical }, () => ({
      chosen,
      at,
    })),
  )
}

/** F.1.2.1: so many bits, and which of the numbers that have so many. */
function tellDifference(sink: SymbolSink, id: number, difference: number, longest: number): void {
  const category = 32 - Math.clz32(Math.abs(difference))
  if (category > longest) throw pixelTrouble('a JPEG scan has a difference that cannot be')
  const bits = difference >= 0 ? difference : difference + (1 << category) - 1
  sink.symbol(slotOf(0, id), category, bits, category)
}

/** The numbers of so many bits: F.2.2.1, figure F.12. */
export function extended(bits: number, count: number): number {
  return count === 0 || bits >= 1 << (count - 1) ? bits : bits - (1 << count) + 1
}

/** The other 63 coefficients of a block, as they are; of a masked one nothing but its end. */
function tellRest(
  reader: BitReader,
  table: HuffmanTable,
  sink: SymbolSink,
  slot: number,
  isMasked: boolean,
): void {
  for (let at = 1; at < 64; at++) {
    const symbol = table.read(reader)
    const count = symbol & 15
    if (count === 0 && symbol !== sixteenZeros && symbol !== endOfBlock) {
      throw pixelTrouble('a JPEG scan has a run that cannot be')
    }
    const bits = reader.take(count)
    at += symbol === endOfBlock ? 0 : symbol >> 4
    if (at > 63) throw pixelTrouble('a JPEG block has too many coefficients')
    if (!isMasked) sink.symbol(slot, symbol, bits, count)
    if (symbol === endOfBlock) break
  }
  if (isMasked) sink.symbol(slot, endOfBlock, 0, 0)
}
