import type { DicomFile } from './dicom-file.ts'
import { tagOf } from './dictionary.ts'

/** What routing and people need to know of an object: the `attributes` of an instance record. */
const keywords = [
  'PatientID',
  'PatientName',
  'PatientBirthDate',
  'AccessionNumber',
  'StudyDate',
  'StudyTime',
  'StudyDescription',
  'SeriesDescription',
  'SeriesNumber',
  'InstanceNumber',
  'Modality',
  'Manufacturer',
] as const

/** A longer value tells nobody anything, and the record that carries it is one line. */
const longestValue = 1024

/** By keyword; what the object lacks is absent. Several values are joined as in DICOM, by backslashes. */
export function readAttributes(file: DicomFile): Record<string, string> {
  const attributes: Record<string, string> = {}
  for (const keyword of keywords) {
    const tag = tagOf(keyword)
    const element = tag === undefined ? undefined : file.dataSet.get(tag)
    if (element === undefined || element.length > 4 * longestValue) continue
    const value = file.strings(file.dataSet, element.tag).join('\\')
    if (value !== '') attributes[keyword] = value.slice(0, longestValue)
  }
  return attributes
}
