import { BitReader } from './jpeg-bits.ts'
import { extended } from './jpeg-dct.ts'
import { Marker, slotOf } from './jpeg-segments.ts'
import type { PixelMask } from './pixel-mask.ts'
import { pixelTrouble } from './pixel-trouble.ts'
import type { ScanToWrite, SymbolSink, TellScan } from './rewrite-jpeg.ts'

/** Samples of one frame. */
const mostSamples = 1 << 27

/**
 * Tells lossless scans (ISO/IEC 10918-1 annex H) with the masked samples blank: they are decoded, and told again with
 * the same predictor, so that all others are the same.
 * @param words of a blank pixel
 */
export function losslessScans(mask: PixelMask, words: readonly number[]): TellScan {
  let last: { readonly start: number; readonly decoded: DecodedScan } | undefined
  return (scan, sink) => {
    if (last?.start !== scan.start) {
      last = { start: scan.start, decoded: decodeLosslessScan(scan) }
      blankPlanes(last.decoded, scan, mask, words)
    }
    tellScan(last.decoded, scan, sink)
    return last.decoded.end
  }
}

export interface DecodedScan {
  /** A plane for each component of the scan, its samples without the bits that the point transform took. */
  readonly planes: readonly Uint16Array[]
  /** The marker behind the scan. */
  readonly end: number
}

/** @throws FionaError E_PIXELS */
export function decodeLosslessScan(scan: ScanToWrite): DecodedScan {
  const { bytes, start, frame, header, state } = scan
  requireKnown(scan)
  const { rows, columns } = frame
  const planes = header.components.map(() => new Uint16Array(rows * columns))
  const tables = header.components.map(({ dc }) => state.requireTable(0, dc))
  const reader = new BitReader(bytes, start)
  const rowsOfInterval = state.restartInterval / columns
  for (let row = 0, restarts = 0; row < rows; row++) {
    const isFirst = isFirstRow(row, rowsOfInterval)
    if (isFirst && row > 0) {
      const at = reader.end()
      if (bytes[at] !== 0xff || bytes[at + 1] !== Marker.RST0 + (restarts++ % 8)) {
        throw pixelTrouble('a JPEG scan has no restart marker where one is due')
      }
      reader.restart(at + 2)
    }
    for (let column = 0; column < columns; column++) {
      for (let index = 0; index < planes.length; index++) {
        const plane = planes[index] as Uint16Array
        const category = tables[index]?.read(reader) ?? 17
        if (category > 16) throw pixelTrouble('a JPEG scan has a difference that cannot be')
        // Sixteen bits have one number only, and no bits behind them (H.1.2.2).
        const difference = category === 16 ? 32768 : extended(reader.take(category), category)
        const at = row * columns + column
        plane[at] = predict(plane, at, column, columns, isFirst, scan) + difference
      }
    }
  }
  return { planes, end: reader.end() }
}

function requireKnown({ frame, header, state }: ScanToWrite): void {
  const { rows, columns, precision } = frame
  if (rows * columns * header.components.length > mostSamples) {
    throw pixelTrouble('a JPEG frame is too large')
  }
  const isSubsampled = frame.components.some(
    ({ horizontal, vertical }) => horizontal !== 1 || vertical !== 1,
  )
  const isPredicted = header.start >= 1 && header.start <= 7
  const isDeep = precision >= 2 && precision <= 16 && header.low < precision
  if (isSubsampled || !isPredicted || !isDeep || state.restartInterval % columns !== 0) {
    throw pixelTrouble('this kind of lossless JPEG is not supported')
  }
}

function isFirstRow(row: number, rowsOfInterval: number): boolean {
  return row === 0 || (rowsOfInterval > 0 && row % rowsOfInterval === 0)
}

/** Table H.1. In a first row and a first column there is one neighbour only, or none. */
function predict(
  plane: Uint16Array,
  at: number,
  column: number,
  columns: number,
  isFirst: boolean,
  { frame, header }: ScanToWrite,
): number {
  if (isFirst) {
    return column === 0 ? 1 << (frame.precision - header.low - 1) : (plane[at - 1] ?? 0)
  }
  const above = plane[at - columns] ?? 0
  if (column === 0) return above
  const left = plane[at - 1] ?? 0
  const corner = plane[at - columns - 1] ?? 0
  switch (header.start) {
    case 1:
      return left
    case 2:
      return above
    case 3:
      return corner
    case 4:
      return left + above - corner
    case 5:
      return left + ((above - corner) >> 1)
    case 6:
      return above + ((left - corner) >> 1)
    default:
      return (left + above) >> 1
  }
}

function blankPlanes(
  { planes }: DecodedScan,
  { frame, header }: ScanToWrite,
  mask: PixelMask,
  words: readonly number[],
): void {
  header.components.forEach(({ index }, at) => {
    const word = ((words[index] ?? 0) % 2 ** frame.precision) >> header.low
    for (const { top, bottom, spans } of mask.bands) {
      for (let row = top; row < bottom; row++) {
        const start = row * frame.columns
        for (const [from, to] of spans) planes[at]?.fill(word, start + from, start + to)
      }
    }
  })
}

function tellScan({ planes }: DecodedScan, scan: ScanToWrite, sink: SymbolSink): void {
  const { frame, header, state } = scan
  const { rows, columns } = frame
  const slots = header.components.map(({ dc }) => slotOf(0, dc))
  const rowsOfInterval = state.restartInterval / columns
  for (let row = 0, restarts = 0; row < rows; row++) {
    const isFirst = isFirstRow(row, rowsOfInterval)
    if (isFirst && row > 0) sink.restart(Marker.RST0 + (restarts++ % 8))
    for (let column = 0; column < columns; column++) {
      for (let index = 0; index < planes.length; index++) {
        const plane = planes[index] as Uint16Array
        const at = row * columns + column
        const difference = (plane[at] ?? 0) - predict(plane, at, column, columns, isFirst, scan)
        tellDifference(sink, slots[index] ?? 0, difference)
      }
    }
  }
}

/** Modulo 65536 (H.1.2.1). */
function tellDifference(sink: SymbolSink, slot: number, whole: number): void {
  const difference = (whole << 16) >> 16
  if (difference === -32768) {
    sink.symbol(slot, 16, 0, 0)
    return
  }
  const category = 32 - Math.clz32(Math.abs(difference))
  const bits = difference >= 0 ? difference : difference + (1 << category) - 1
  sink.symbol(slot, category, bits, category)
}
