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
  'ImagesInAcquisition',
  'NumberOfFrames',
] as const

/** Whether a record tells this one, if its object has it. */
export function isRecordedAttribute(keyword: string): boolean {
  return keywords.some((each) => each === keyword)
}

let tags: readonly (readonly [keyword: string, tag: number])[] | undefined

/** A longer value tells nobody anything, and the record that carries it is one line. */
const longestValue = 1024

/** By keyword; what the object lacks is absent. Several values are joined as in DICOM, by backslashes. */
export function readAttributes(file: DicomFile): Record<string, string> {
  const attributes: Record<string, string> = {}
  // Once, when first asked: loading the dictionary takes its time.
  tags ??= keywords.map((keyword) => [keyword, tagOf(keyword) ?? 0])
  for (const [keyword, tag] of tags) {
    const element = file.dataSet.get(tag)
    if (element === undefined || element.length > 4 * longestValue) continue
    const value = file.strings(file.dataSet, element.tag).join('\\')
    if (value !== '') attributes[keyword] = value.slice(0, longestValue)
  }
  return attributes
}
