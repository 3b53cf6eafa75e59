import { keywordOf } from '../dicom/index.ts'
import { nearest } from '../text/index.ts'
import { fieldNames } from './field-names.ts'

/** Groups that rules ask for; the whole dictionary is searched once a mistake is there. */
const groups = [0x0008, 0x0010, 0x0018, 0x0020, 0x0028, 0x0040, 0x0054, 0x3002, 0x300a]

/** The attribute name closest to what was written. */
export function nearestName(name: string): string | undefined {
  return nearest(name, [...fieldNames(), ...keywords()])
}

function* keywords(): Generator<string> {
  for (const group of groups) {
    for (let element = 0; element <= 0xffff; element++) {
      const keyword = keywordOf(group * 0x10000 + element)
      if (keyword !== undefined) yield keyword
    }
  }
}
