import type { FragmentBytes } from './fragment-bytes.ts'

/** Gets a copy of bytes that may be text, of a mebibyte and what pieces overlap by at most. */
export type Visit = (bytes: Buffer) => void

export interface Walked {
  /** Behind the frame. */
  readonly end: number
  /** `cut`: the stream ends in the middle of it. */
  readonly state: 'whole' | 'cut' | 'damaged'
}

const Jpeg = { SOI: 0xd8, EOI: 0xd9, SOS: 0xda, TEM: 0x01 }

/** Huffman tables, whose usual contents are letters and digits in their order; all other segments are shown. */
const DHT = 0xc4

/** From SOI behind EOI (ISO/IEC 10918-1 B; JPEG-LS, 14495-1 C, has the same markers). */
export function walkJpeg(stream: FragmentBytes, start: number, visit: Visit): Walked {
  if (stream.uint16(start) !== 0xffd8) return { end: start, state: 'damaged' }
  for (let at = start + 2; ;) {
    if (at >= stream.length) return { end: at, state: 'cut' }
    if (stream.byte(at) !== 0xff) return { end: at, state: 'damaged' }
    // Any number of FFs may stand before a marker.
    while (stream.byte(at + 1) === 0xff) at += 1
    const marker = stream.byte(at + 1)
    if (marker === Jpeg.EOI) return { end: at + 2, state: 'whole' }
    if (marker === Jpeg.SOI) return atNextFrame(stream, at)
    at += 2
    if (marker === Jpeg.TEM || isRestart(marker)) continue
    const length = stream.uint16(at)
    if (Number.isNaN(length) || at + length > stream.length) return { end: at, state: 'cut' }
    if (length < 2) return { end: at, state: 'damaged' }
    if (marker !== DHT) visit(stream.slice(at + 2, length - 2))
    at += length
    if (marker === Jpeg.SOS) at = endOfScan(stream, at)
  }
}

/** Some encoders forget EOI: the next frame's SOI is then where its fragment begins. */
function atNextFrame(stream: FragmentBytes, at: number): Walked {
  return { end: at, state: stream.isFragmentStart(at) ? 'whole' : 'damaged' }
}

/** In a scan FF is followed by less than 80 (a bit or byte was stuffed), or by a restart marker. */
function endOfScan(stream: FragmentBytes, start: number): number {
  for (let at = start; ;) {
    at = stream.indexOf(0xff, at)
    const next = stream.byte(at + 1)
    if (at >= stream.length || (next >= 0x80 && !isRestart(next) && next !== 0xff)) return at
    at += 1
  }
}

function isRestart(marker: number): boolean {
  return marker >= 0xd0 && marker <= 0xd7
}

const Jpeg2000 = { SOC: 0xff4f, SOT: 0xff90, SOD: 0xff93, EOC: 0xffd9, COM: 0xff64 }
/** Parameters and tables of ISO/IEC 15444-1 A and 15444-15; all other segments are shown. */
const jpeg2000Tables = new Set([
  0x50, 0x51, 0x52, 0x53, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5c, 0x5d, 0x5e, 0x5f, 0x60, 0x61, 0x63,
])

/** From SOC behind EOC. Tile-parts say how long they are: their packets are not read. */
export function walkJpeg2000(stream: FragmentBytes, start: number, visit: Visit): Walked {
  if (stream.uint16(start) !== Jpeg2000.SOC) return { end: start, state: 'damaged' }
  let tileEnd: number | undefined
  for (let at = start + 2; ;) {
    if (at + 2 > stream.length) return { end: at, state: 'cut' }
    const marker = stream.uint16(at)
    if (marker === Jpeg2000.EOC) return { end: at + 2, state: 'whole' }
    if (marker === Jpeg2000.SOC) return atNextFrame(stream, at)
    if (marker === Jpeg2000.SOD) {
      const next = tileEnd ?? endOfPackets(stream, at + 2)
      if (next > stream.length) return { end: stream.length, state: 'cut' }
      // It goes forwards, or would never end.
      if (next <= at) return { end: at, state: 'damaged' }
      at = next
      continue
    }
    if (marker >= 0xff30 && marker <= 0xff3f) {
      at += 2
      continue
    }
    if (marker < 0xff00) return { end: at, state: 'damaged' }
    const length = stream.uint16(at + 2)
    if (Number.isNaN(length) || at + 2 + length > stream.length) return { end: at, state: 'cut' }
    if (length < 2) return { end: at, state: 'damaged' }
    if (marker === Jpeg2000.SOT) {
      const tileBytes = stream.uint32(at + 6)
      // 0: it is the last one and ends with the codestream.
      tileEnd = tileBytes === 0 ? undefined : at + tileBytes
    } else if (marker === Jpeg2000.COM) {
      visit(stream.slice(at + 6, length - 4))
    } else if (!jpeg2000Tables.has(marker & 0xff)) {
      visit(stream.slice(at + 4, length - 2))
    }
    at += 2 + length
  }
}

/** No packet holds FF followed by more than 8F. */
function endOfPackets(stream: FragmentBytes, start: number): number {
  for (let at = start; ; at++) {
    at = stream.indexOf(0xff, at)
    if (at >= stream.length || stream.byte(at + 1) > 0x8f) return at
  }
}

const mostVisited = 1 << 20
/** Longer than any term that is searched. */
const overlapBytes = 512

/**
 * A file of boxes (JP2: ISO/IEC 15444-1 I; JPEG XL: 18181-2) where the standard wants a bare codestream.
 * Some encoders write it, most viewers read it. It goes up to where a fragment begins with no box.
 */
export function walkBoxes(stream: FragmentBytes, start: number, visit: Visit): Walked {
  for (let at = start; ;) {
    const isNext = at > start && (at >= stream.length || isSignature(stream, at))
    if (isNext) return { end: Math.min(at, stream.length), state: 'whole' }
    const type = stream.slice(at + 4, 4).toString('latin1')
    const short = stream.uint32(at)
    const headerBytes = short === 1 ? 16 : 8
    // 0: up to the end of the file, here of the fragment.
    const length =
      short === 0
        ? stream.fragmentEnd(at + 1) - at
        : short === 1
          ? stream.uint32(at + 8) * 2 ** 32 + stream.uint32(at + 12)
          : short
    // A byte that makes the last fragment even is no box.
    if (Number.isNaN(length)) return { end: at, state: at > start ? 'whole' : 'cut' }
    if (at + length > stream.length) return { end: at, state: 'cut' }
    if (length < headerBytes || !/^[\x20-\x7e]{4}$/.test(type)) {
      // What fills the last fragment up is no box.
      return at > start ? { end: at, state: 'whole' } : { end: at, state: 'damaged' }
    }
    const [from, to] = [at + headerBytes, at + length]
    if (type === 'jp2c') {
      const { end, state } = walkJpeg2000(stream, from, visit)
      if (state === 'damaged' || end > to) return { end, state: 'damaged' }
      show(stream, end, to, visit)
    } else if (type !== 'jxlc' && type !== 'jxlp') show(stream, from, to, visit)
    at = to
  }
}

function isSignature(stream: FragmentBytes, at: number): boolean {
  return stream.uint32(at) === 12 && stream.isFragmentStart(at)
}

/** What a person could read in a stream of whatever kind: its runs of ASCII that are as long as any searched term. */
export function showRuns(stream: FragmentBytes, visit: Visit): void {
  show(stream, 0, stream.length, (piece) => {
    const runs = piece.toString('latin1').match(/[\x20-\x7e]{6,}/g)
    if (runs !== null) visit(Buffer.from(runs.join('\n'), 'latin1'))
  })
}

/** In pieces that overlap. */
function show(stream: FragmentBytes, from: number, to: number, visit: Visit): void {
  for (let at = from; at < to; at += mostVisited) {
    visit(stream.slice(at, Math.min(to - at, mostVisited + overlapBytes)))
  }
}
