import type { DicomFile } from '../../dicom/index.ts'
import type { PaletteLight } from '../../pixels/index.ts'

/** Of red, green and blue (PS3.3 C.7.6.3.1.5 and C.7.6.3.1.6). */
const descriptors = [0x00281101, 0x00281102, 0x00281103] as const
const tables = [0x00281201, 0x00281202, 0x00281203] as const

/**
 * How light the colours of a palette are. Of a segmented palette, which is not unpacked, nothing is known but which
 * index is the first.
 * @returns undefined where there is no palette
 */
export function paletteLight(file: DicomFile): PaletteLight | undefined {
  const [count, first, bits] = file.numbers(file.dataSet, descriptors[0])
  if (count === undefined || first === undefined) return undefined
  const colours = tables.map((tag) => coloursOf(file, tag, bits === 8, count === 0 ? 65536 : count))
  const [red, green, blue] = colours
  if (red === undefined || green === undefined || blue === undefined) {
    return { first: Math.max(0, first), light: [] }
  }
  const light = red.map((value, at) => value + (green[at] ?? 0) + (blue[at] ?? 0))
  return { first: Math.max(0, first), light }
}

/** The index of the darkest colour; of a segmented palette the first, one colour for all of a mask all the same. */
export function darkestColour(file: DicomFile): number | undefined {
  const palette = paletteLight(file)
  if (palette === undefined) return undefined
  const { first, light } = palette
  let darkest = 0
  light.forEach((value, at) => {
    if (value < (light[darkest] ?? 0)) darkest = at
  })
  return first + darkest
}

function coloursOf(
  file: DicomFile,
  tag: number,
  isOfEight: boolean,
  count: number,
): number[] | undefined {
  const element = file.dataSet.get(tag)
  if (element === undefined || element.items !== undefined) return undefined
  const bytes = file.bytes(element)
  // Tables of eight bits have a byte for each colour, or a word with nothing above it.
  if (isOfEight && bytes.length <= count + 1) return [...bytes.subarray(0, count)]
  return Array.from({ length: Math.min(count, bytes.length >> 1) }, (_, at) =>
    file.littleEndian ? bytes.readUInt16LE(at * 2) : bytes.readUInt16BE(at * 2),
  )
}
