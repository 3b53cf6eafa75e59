import type { HuffmanTable } from './jpeg-huffman.ts'
import { optimalTable } from './jpeg-huffman.ts'
import { BitWriter } from './jpeg-bits.ts'
import {
  type FrameHeader,
  JpegState,
  Marker,
  type ScanHeader,
  type Segment,
  isStartOfFrame,
  scanHeader,
  segmentAt,
  segmentOf,
  tableSegment,
} from './jpeg-segments.ts'
import { pixelTrouble } from './pixel-trouble.ts'

/** Gets each symbol of a scan with the bits behind it, or the marker between two intervals. */
export interface SymbolSink {
  /** @param slot of the Huffman table: 0 to 3 for DC, 4 to 7 for AC */
  symbol(slot: number, symbol: number, bits: number, bitCount: number): void
  restart(marker: number): void
}

export interface ScanToWrite {
  readonly bytes: Buffer
  /** Where its bits begin. */
  readonly start: number
  readonly header: ScanHeader
  readonly frame: FrameHeader
  readonly state: JpegState
}

/**
 * Tells a scan's symbols as they shall be: once to count them, once to write them, so the same each time.
 * @returns where the marker behind the scan is
 */
export type TellScan = (scan: ScanToWrite, sink: SymbolSink) => number

/** Gets the segments of a frame in their order. A scan answers where the marker behind it is. */
export interface JpegVisitor {
  segment(segment: Segment): void
  scan(scan: ScanToWrite, segment: Segment): number
}

/**
 * Goes through a JPEG frame from its first to its last marker.
 * @throws FionaError E_PIXELS for anything that is none, or a process that is not supported
 */
export function walkJpeg(
  bytes: Buffer,
  isWanted: (frame: FrameHeader) => boolean,
  visitor: JpegVisitor,
): void {
  const state = new JpegState()
  const first = segmentAt(bytes, 0)
  if (first.marker !== Marker.SOI) throw pixelTrouble('a frame does not begin like JPEG')
  visitor.segment(first)
  let scans = 0
  for (let at = first.end; ;) {
    const segment = segmentAt(bytes, at)
    const { marker } = segment
    at = segment.end
    if (marker === Marker.SOI || (marker >= Marker.RST0 && marker < Marker.SOI)) {
      throw pixelTrouble('JPEG has a marker where none may be')
    }
    state.note(segment)
    if (isStartOfFrame(marker) && !isWanted(state.requireFrame())) {
      throw pixelTrouble(`${processOf(marker)} JPEG is not supported`)
    }
    if (marker !== Marker.SOS) {
      visitor.segment(segment)
      if (marker !== Marker.EOI) continue
      if (scans === 0) throw pixelTrouble('JPEG has no scan')
      return
    }
    const frame = state.requireFrame()
    scans += 1
    if (scans > frame.components.length) throw pixelTrouble('JPEG has more scans than components')
    const header = scanHeader(segment, frame)
    at = visitor.scan({ bytes, start: at, header, frame, state }, segment)
  }
}

/**
 * A JPEG frame whose scans are written anew. Huffman tables stay where they have a code for each symbol, else the
 * best ones are made. Application data, which may hold small pictures, and comments are left out.
 * @throws FionaError E_PIXELS
 */
export function rewriteJpeg(
  bytes: Buffer,
  isWanted: (frame: FrameHeader) => boolean,
  tell: TellScan,
): Buffer {
  const written: (HuffmanTable | undefined)[] = []
  const parts: Buffer[] = []
  walkJpeg(bytes, isWanted, {
    segment(segment) {
      const { marker } = segment
      // Of the tables of codes those come that a scan needs, in front of it.
      if (marker === Marker.DHT) return
      const isKept = marker === Marker.SOI || marker === Marker.EOI || isTable(marker)
      parts.push(...(isKept ? [segment.bytes] : keptApplicationData(segment)))
    },
    scan: (scan, segment) => writeScan(scan, segment, tell, written, parts),
  })
  return Buffer.concat(parts)
}

function writeScan(
  scan: ScanToWrite,
  segment: Segment,
  tell: TellScan,
  written: (HuffmanTable | undefined)[],
  parts: Buffer[],
): number {
  const frequencies: (Float64Array | undefined)[] = []
  const end = tell(scan, {
    symbol(slot, symbol) {
      const counted = (frequencies[slot] ??= new Float64Array(256))
      counted[symbol] = (counted[symbol] ?? 0) + 1
    },
    restart: () => undefined,
  })
  const tables = frequencies.map((counted, slot) => {
    if (counted === undefined) return undefined
    const there = scan.state.huffman[slot]
    return there?.has(counted) === true ? there : optimalTable(counted)
  })
  tables.forEach((table, slot) => {
    if (table === undefined || table === written[slot]) return
    written[slot] = table
    parts.push(tableSegment(slot, table))
  })
  const writer = new BitWriter(end - scan.start)
  tell(scan, {
    symbol(slot, symbol, bits, bitCount) {
      const table = tables[slot] as HuffmanTable
      writer.put(table.codeOf(symbol), table.lengthOf(symbol))
      writer.put(bits, bitCount)
    },
    restart: (marker) => {
      writer.end(marker)
    },
  })
  writer.end()
  parts.push(segment.bytes, writer.bytes())
  return end
}

function isTable(marker: number): boolean {
  return marker === Marker.DQT || marker === Marker.DRI || isStartOfFrame(marker)
}

/** What says how colours are to be understood: Adobe's segment, and JFIF's without its thumbnail. */
function keptApplicationData({ marker, bytes, content }: Segment): Buffer[] {
  const name = content.toString('latin1', 0, 5)
  if (marker === Marker.APP14 && name === 'Adobe') return [bytes.subarray(0, 4 + 12)]
  if (marker !== Marker.APP0 || name !== 'JFIF\0' || content.length < 14) return []
  return [segmentOf(marker, Buffer.concat([content.subarray(0, 12), Buffer.alloc(2)]))]
}

/** Of ISO/IEC 10918-1 B.1.1.3, in the word that people know it by. */
function processOf(marker: number): string {
  if (marker === 0xc2) return 'progressive'
  return marker > 0xc8 ? 'arithmetic' : 'hierarchical'
}
