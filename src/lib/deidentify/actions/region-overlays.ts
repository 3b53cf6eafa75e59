import type { Surroundings } from '../surroundings.ts'

/** Of an overlay plane, what its bits are and where they lie (PS3.3 C.9.2); none of it is text. */
const planes = new Set([
  0x0010, 0x0011, 0x0015, 0x0040, 0x0050, 0x0051, 0x0100, 0x0102, 0x1301, 0x1302, 0x1303, 0x3000,
])

/**
 * Does an element belong to an overlay that marks a region (PS3.15 E.3.3)? Overlays that are graphics may spell
 * a name, and nobody reads them here; those that are regions of interest do not.
 */
export function isOfRegion(tag: number, { file, dataSet }: Surroundings): boolean {
  const group = (tag & 0xffff0000) >>> 0
  return (
    planes.has(tag & 0xffff) &&
    file.string(dataSet, group + 0x0040) === 'R' &&
    dataSet.get(group + 0x3000) !== undefined
  )
}
