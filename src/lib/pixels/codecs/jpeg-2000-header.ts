import { pixelTrouble } from '../pixel-trouble.ts'
import type { CodedImage } from './codec-job.ts'

/** Markers of ISO/IEC 15444-1 table A.2, and CAP of 15444-15. */
const Marker = { SOC: 0xff4f, CAP: 0xff50, SIZ: 0xff51, COD: 0xff52, COC: 0xff53, SOT: 0xff90 }
const reversible = 1

export interface Jpeg2000Header extends CodedImage {
  /** Its blocks are coded as HTJ2K has them. */
  readonly isHighThroughput: boolean
  /** 5/3 instead of 9/7, for all components. */
  readonly isReversible: boolean
  readonly hasColourTransform: boolean
  readonly decompositions: number
  /** 0 to 4: LRCP, RLCP, RPCL, PCRL, CPRL. */
  readonly progression: number
}

/**
 * What a codestream of JPEG 2000 says of itself in its main header (ISO/IEC 15444-1 A.4 to A.6).
 * @throws FionaError E_PIXELS
 */
export function jpeg2000Header(frame: Buffer): Jpeg2000Header {
  if (frame.length < 4 || frame.readUInt16BE(0) !== Marker.SOC) {
    throw pixelTrouble('a frame is no codestream of JPEG 2000')
  }
  let size: CodedImage | undefined
  let style: CodingStyle | undefined
  let isHighThroughput = false
  let areOthersReversible = true
  for (let at = 2; ;) {
    if (at + 4 > frame.length) throw cut()
    const marker = frame.readUInt16BE(at)
    if (marker === Marker.SOT) break
    const end = at + 2 + frame.readUInt16BE(at + 2)
    if (marker < 0xff00 || end < at + 4 || end > frame.length) throw cut()
    const content = frame.subarray(at + 4, end)
    at = end
    if (marker === Marker.SIZ) size = imageOf(content)
    else if (marker === Marker.CAP) isHighThroughput = true
    else if (marker === Marker.COD) style = codingStyle(content)
    else if (marker === Marker.COC && content.at(transformOfComponent) !== reversible) {
      areOthersReversible = false
    }
  }
  if (size === undefined || style === undefined) throw cut()
  const { transform, ...rest } = style
  const isReversible = transform === reversible && areOthersReversible
  return { ...size, ...rest, isReversible, isHighThroughput }
}

/** A.6.2, with one byte for the component: as many as an image of ours has. */
const transformOfComponent = 6

/** SIZ, A.5.1. */
function imageOf(content: Buffer): CodedImage {
  const samples = content.length < 36 ? 0 : content.readUInt16BE(34)
  if (samples === 0 || content.length !== 36 + 3 * samples) throw cut()
  const read = (at: number) => content.readUInt32BE(at)
  const [columns, rows] = [read(2) - read(10), read(6) - read(14)]
  const parts = Array.from({ length: samples }, (_, at) =>
    content.subarray(36 + 3 * at, 39 + 3 * at),
  )
  const [first = content] = parts
  if (parts.some((part) => part[1] !== 1 || part[2] !== 1 || part[0] !== first[0])) {
    throw pixelTrouble('JPEG 2000 with components of different kinds is not supported')
  }
  const depth = first[0] ?? 0
  return { columns, rows, samples, precision: (depth & 0x7f) + 1, isSigned: depth > 0x7f }
}

interface CodingStyle {
  readonly progression: number
  readonly hasColourTransform: boolean
  readonly decompositions: number
  readonly transform: number
}

/** COD, A.6.1. */
function codingStyle(content: Buffer): CodingStyle {
  const [, progression = 0, , , transformed, decompositions = 0, , , , transform = 0] = content
  if (content.length < 10 || progression > 4 || decompositions > 32) throw cut()
  return { progression, hasColourTransform: transformed === 1, decompositions, transform }
}

function cut(): Error {
  return pixelTrouble('the header of a JPEG 2000 codestream is none')
}
