import { HuffmanTable } from './jpeg-huffman.ts'
import { pixelTrouble } from './pixel-trouble.ts'

/** Markers of ISO/IEC 10918-1 table B.1. */
export const Marker = {
  SOF0: 0xc0,
  SOF1: 0xc1,
  SOF3: 0xc3,
  DHT: 0xc4,
  RST0: 0xd0,
  SOI: 0xd8,
  EOI: 0xd9,
  SOS: 0xda,
  DQT: 0xdb,
  DRI: 0xdd,
  APP0: 0xe0,
  APP14: 0xee,
} as const

export interface Component {
  readonly id: number
  readonly horizontal: number
  readonly vertical: number
  readonly quantization: number
}

/** Start of frame (B.2.2). */
export interface FrameHeader {
  readonly process: number
  readonly precision: number
  readonly rows: number
  readonly columns: number
  readonly components: readonly Component[]
}

export interface ScanComponent {
  /** In the frame. */
  readonly index: number
  readonly component: Component
  readonly dc: number
  readonly ac: number
}

/** Start of scan (B.2.3). */
export interface ScanHeader {
  readonly components: readonly ScanComponent[]
  readonly start: number
  readonly end: number
  readonly high: number
  readonly low: number
}

export interface Segment {
  readonly marker: number
  /** From its marker on. */
  readonly bytes: Buffer
  /** Without marker and length. */
  readonly content: Buffer
  /** Behind it. */
  readonly end: number
}

/** What has been said of a frame when a scan begins. */
export class JpegState {
  frame: FrameHeader | undefined
  restartInterval = 0
  /** What decoders take the components for: APP14 of Adobe says it, 0 is RGB. */
  adobeTransform: number | undefined
  readonly quantization: (Uint16Array | undefined)[] = []
  /** Tables 0 to 3 of DC (and lossless) codes, then those of AC. */
  readonly huffman: (HuffmanTable | undefined)[] = []

  /** @throws FionaError E_PIXELS */
  note({ marker, content }: Segment): void {
    if (marker === Marker.DHT) this.#noteHuffman(content)
    else if (marker === Marker.DQT) this.#noteQuantization(content)
    else if (marker === Marker.DRI)
      this.restartInterval = content.length >= 2 ? content.readUInt16BE(0) : 0
    else if (marker === Marker.APP14 && content.toString('latin1', 0, 5) === 'Adobe') {
      this.adobeTransform = content[11]
    } else if (isStartOfFrame(marker)) {
      if (this.frame !== undefined) throw pixelTrouble('JPEG has two frames in one')
      this.frame = frameHeader(marker, content)
    }
  }

  #noteHuffman(content: Buffer): void {
    for (let at = 0; at < content.length;) {
      const slot = content[at] ?? 0
      const counts = [...content.subarray(at + 1, at + 17)]
      const size = counts.reduce((sum, count) => sum + count, 0)
      const symbols = content.subarray(at + 17, at + 17 + size)
      if (counts.length < 16 || symbols.length < size || size > 256 || (slot & 0xec) !== 0) {
        throw pixelTrouble('a Huffman table is none')
      }
      this.huffman[slotOf(slot >> 4, slot & 3)] = new HuffmanTable(counts, Buffer.from(symbols))
      at += 17 + size
    }
  }

  #noteQuantization(content: Buffer): void {
    for (let at = 0; at < content.length;) {
      const about = content[at] ?? 0
      const bytes = about >> 4 === 0 ? 1 : 2
      if (at + 1 + 64 * bytes > content.length || (about & 0xec) !== 0) {
        throw pixelTrouble('a quantization table is none')
      }
      const start = at + 1
      this.quantization[about & 3] = Uint16Array.from({ length: 64 }, (_, index) =>
        content.readUIntBE(start + index * bytes, bytes),
      )
      at += 1 + 64 * bytes
    }
  }

  /** @throws FionaError E_PIXELS */
  requireFrame(): FrameHeader {
    if (this.frame === undefined) throw pixelTrouble('JPEG has a scan before its frame')
    return this.frame
  }

  /** @throws FionaError E_PIXELS */
  requireTable(kind: 0 | 1, id: number): HuffmanTable {
    const table = this.huffman[slotOf(kind, id)]
    if (table === undefined) throw pixelTrouble('JPEG has a scan without its Huffman table')
    return table
  }
}

export function slotOf(kind: number, id: number): number {
  return kind * 4 + id
}

export function isStartOfFrame(marker: number): boolean {
  return (
    marker >= 0xc0 && marker <= 0xcf && marker !== Marker.DHT && marker !== 0xc8 && marker !== 0xcc
  )
}

function frameHeader(process: number, content: Buffer): FrameHeader {
  const count = content[5] ?? 0
  if (content.length < 6 + 3 * count || count === 0 || count > 4) {
    throw pixelTrouble('the header of a JPEG frame is none')
  }
  const components = Array.from({ length: count }, (_, at) => {
    const start = 6 + 3 * at
    const factors = content[start + 1] ?? 0
    return {
      id: content[start] ?? 0,
      horizontal: factors >> 4,
      vertical: factors & 15,
      quantization: content[start + 2] ?? 0,
    }
  })
  const isOdd = components.some(
    ({ horizontal, vertical }) => horizontal < 1 || horizontal > 4 || vertical < 1 || vertical > 4,
  )
  const rows = content.readUInt16BE(1)
  const columns = content.readUInt16BE(3)
  // A number of rows that comes behind the first scan (DNL) is written by no device.
  if (isOdd || rows === 0 || columns === 0) throw pixelTrouble('the header of a JPEG frame is none')
  return { process, precision: content[0] ?? 0, rows, columns, components }
}

/** @throws FionaError E_PIXELS */
export function scanHeader({ content }: Segment, { components }: FrameHeader): ScanHeader {
  const count = content[0] ?? 0
  if (count === 0 || count > 4 || content.length < 4 + 2 * count) {
    throw pixelTrouble('the header of a JPEG scan is none')
  }
  const chosen = Array.from({ length: count }, (_, at): ScanComponent => {
    const id = content[1 + 2 * at]
    const index = components.findIndex((one) => one.id === id)
    const component = components[index]
    if (component === undefined) throw pixelTrouble('a JPEG scan has components its frame has not')
    const tables = content[2 + 2 * at] ?? 0
    return { index, component, dc: (tables >> 4) & 3, ac: tables & 3 }
  })
  const rest = 1 + 2 * count
  const approximation = content[rest + 2] ?? 0
  return {
    components: chosen,
    start: content[rest] ?? 0,
    end: content[rest + 1] ?? 0,
    high: approximation >> 4,
    low: approximation & 15,
  }
}

/**
 * The segment at a position.
 * @throws FionaError E_PIXELS
 */
export function segmentAt(bytes: Buffer, start: number): Segment {
  let at = start
  // Any number of FFs may stand before a marker.
  while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at += 1
  const marker = bytes[at + 1]
  if (bytes[at] !== 0xff || marker === undefined) {
    throw pixelTrouble('JPEG has something else where a marker should be')
  }
  if (marker === Marker.SOI || marker === Marker.EOI) {
    return { marker, bytes: bytes.subarray(at, at + 2), content: bytes.subarray(0, 0), end: at + 2 }
  }
  const length = at + 4 <= bytes.length ? bytes.readUInt16BE(at + 2) : 0
  const end = at + 2 + length
  if (length < 2 || end > bytes.length) throw pixelTrouble('a segment of JPEG ends too early')
  return { marker, bytes: bytes.subarray(at, end), content: bytes.subarray(at + 4, end), end }
}

/** A segment with its marker and length. */
export function segmentOf(marker: number, content: Buffer): Buffer {
  const header = Buffer.from([0xff, marker, 0, 0])
  header.writeUInt16BE(content.length + 2, 2)
  return Buffer.concat([header, content])
}

export function tableSegment(slot: number, { counts, symbols }: HuffmanTable): Buffer {
  const kind = slot >> 2
  return segmentOf(
    Marker.DHT,
    Buffer.concat([Buffer.from([(kind << 4) | (slot & 3), ...counts]), symbols]),
  )
}
