import { Marker, isStartOfFrame, segmentAt } from '../jpeg-segments.ts'
import { pixelTrouble } from '../pixel-trouble.ts'
import type { CodedImage } from './codec-job.ts'

/** SOF55 of ISO/IEC 14495-1 C.1.1. */
const startOfFrame = 0xf7

export interface JpegLsHeader extends CodedImage {
  /** ILV: 0 by plane, 1 by line, 2 by pixel. */
  readonly interleave: number
  /** NEAR: how far a sample may be from what it was; 0 for a lossless frame. */
  readonly near: number
}

/**
 * What a frame of JPEG-LS says of itself up to its first scan.
 * @throws FionaError E_PIXELS
 */
export function jpegLsHeader(frame: Buffer): JpegLsHeader {
  let size: CodedImage | undefined
  for (let at = segmentAt(frame, 0).end; ;) {
    const { marker, content, end } = segmentAt(frame, at)
    at = end
    if (marker === Marker.EOI || isStartOfFrame(marker)) throw notJpegLs()
    if (marker === startOfFrame) {
      if (size !== undefined || content.length < 6) throw notJpegLs()
      const [rows, columns] = [content.readUInt16BE(1), content.readUInt16BE(3)]
      const components = Array.from(
        { length: content[5] ?? 0 },
        (_, index) => content[7 + 3 * index],
      )
      if (components.some((factors) => factors !== 0x11)) {
        throw pixelTrouble('JPEG-LS with chrominance of half the size is not supported')
      }
      const [precision = 0, samples] = [content[0], components.length]
      size = { rows, columns, precision, samples, isSigned: false }
    }
    if (marker !== Marker.SOS) continue
    const parameters = 1 + 2 * (content[0] ?? 0)
    const [near, interleave] = [content[parameters], content[parameters + 1]]
    if (size === undefined || near === undefined || interleave === undefined) throw notJpegLs()
    return { ...size, near, interleave }
  }
}

function notJpegLs(): Error {
  return pixelTrouble('a frame is no JPEG-LS')
}
