import type { DicomFile } from './dicom-file.ts'
import type { Element } from './data-set.ts'

/** LO has 64 characters of up to four bytes, and somebody's padding. */
const longestCreator = 300

/**
 * A private element of the object itself, by what never changes of it: which of the blocks of its group its
 * creator has reserved differs from object to object (PS3.5 7.8.1).
 * @param group odd
 * @param element the last two hexadecimal digits, 0 to 0xff
 */
export function privateElement(
  file: DicomFile,
  group: number,
  creator: string,
  element: number,
): Element | undefined {
  for (const reservation of file.dataSet.elements) {
    const block = reservation.tag - group * 0x10000
    if (block < 0x10 || block > 0xff || reservation.length > longestCreator) continue
    const owner = file.bytes(reservation).toString('latin1').replaceAll('\0', ' ').trim()
    if (owner !== creator) continue
    // Some writers reserve a block twice and use the second.
    const found = file.dataSet.get(group * 0x10000 + block * 0x100 + element)
    if (found !== undefined) return found
  }
  return undefined
}
