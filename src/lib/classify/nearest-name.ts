import { knownKeywords } from '../dicom/index.ts'
import { nearest } from '../text/index.ts'
import { fieldNames } from './field-names.ts'

/** The attribute name closest to what was written; the whole dictionary is searched once a mistake is there. */
export function nearestName(name: string): string | undefined {
  return nearest(name, [...fieldNames(), ...knownKeywords()])
}
