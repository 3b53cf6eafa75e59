import type { DicomFile } from '../../dicom/index.ts'
import { type Rectangle, pixelTrouble } from '../../pixels/index.ts'

const Tag = {
  SequenceOfUltrasoundRegions: 0x00186011,
  RegionLocationMinX0: 0x00186018,
  RegionLocationMinY0: 0x0018601a,
  RegionLocationMaxX1: 0x0018601c,
  RegionLocationMaxY1: 0x0018601e,
}

/**
 * Where the object says that ultrasound is (PS3.3 C.8.5.5): what a device draws around it is outside of these.
 * @throws FionaError E_PIXELS when it does not say so
 */
export function ultrasoundRegions(file: DicomFile): Rectangle[] {
  const items = file.dataSet.get(Tag.SequenceOfUltrasoundRegions)?.items ?? []
  const regions = items.map((item): Rectangle => {
    const read = (tag: number) => file.numbers(item, tag)[0] ?? -1
    const [left, top] = [read(Tag.RegionLocationMinX0), read(Tag.RegionLocationMinY0)]
    const [right, bottom] = [read(Tag.RegionLocationMaxX1), read(Tag.RegionLocationMaxY1)]
    if (left < 0 || top < 0 || right < left || bottom < top) {
      throw pixelTrouble('a region of ultrasound has no place')
    }
    // The corners are pixels of the region.
    return [left, top, right - left + 1, bottom - top + 1]
  })
  if (regions.length === 0) throw pixelTrouble('the object has no regions of ultrasound')
  return regions
}
