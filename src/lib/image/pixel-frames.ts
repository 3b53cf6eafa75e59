import type { DicomFile, Element } from '../dicom/index.ts'
import { pixelTrouble } from '../pixels/index.ts'

export type Fragment = NonNullable<Element['fragments']>[number]

/** No frame of a device is that large, and it is in memory as a whole. */
export const longestFrame = 512 << 20

/**
 * The fragments of each frame (PS3.5 A.4): one each, or as the basic offset table says, or a frame wherever a fragment
 * begins as a codestream does.
 * @throws FionaError E_PIXELS when it cannot be told
 */
export function fragmentsOfFrames(
  file: DicomFile,
  element: Element,
  frames: number,
): readonly (readonly Fragment[])[] {
  const [table, ...fragments] = element.fragments ?? []
  if (fragments.length === frames) return fragments.map((fragment) => [fragment])
  if (frames === 1) return [fragments]
  const starts =
    table !== undefined && table.length === frames * 4
      ? startsOfTable(file, table, fragments)
      : startsOfCodestreams(file, fragments)
  if (starts.length !== frames || starts[0] !== 0) {
    throw pixelTrouble('it is not known where their frames begin')
  }
  return starts.map((start, at) => fragments.slice(start, starts[at + 1]))
}

function startsOfTable(file: DicomFile, table: Fragment, fragments: readonly Fragment[]): number[] {
  const bytes = file.range(table.offset, table.length)
  const first = fragments[0]?.offset ?? 0
  const byOffset = new Map(fragments.map(({ offset }, index) => [offset - first, index]))
  const starts: number[] = []
  for (let at = 0; at < bytes.length; at += 4) {
    const index = byOffset.get(bytes.readUInt32LE(at))
    if (index === undefined || index <= (starts.at(-1) ?? -1)) return []
    starts.push(index)
  }
  return starts
}

/** SOI of JPEG and JPEG-LS, SOC of JPEG 2000. */
function startsOfCodestreams(file: DicomFile, fragments: readonly Fragment[]): number[] {
  return fragments.flatMap(({ offset, length }, index) => {
    const marker = length >= 2 ? file.range(offset, 2).readUInt16BE(0) : 0
    return marker === 0xffd8 || marker === 0xff4f ? [index] : []
  })
}

/** @throws FionaError E_PIXELS */
export function frameBytes(file: DicomFile, fragments: readonly Fragment[]): Buffer {
  const length = fragments.reduce((sum, fragment) => sum + fragment.length, 0)
  if (length > longestFrame) throw pixelTrouble('a frame is too large')
  return Buffer.concat(fragments.map((fragment) => file.range(fragment.offset, fragment.length)))
}
