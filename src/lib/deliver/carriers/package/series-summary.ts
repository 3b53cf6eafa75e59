import { DicomFile, tagOf } from '../../../dicom/index.ts'
import type { StudyObject } from '../../list-objects.ts'

/** What the original's summaries say of a series, from its first object. That is de-identified: so is this. */
const told = [
  'PatientID',
  'PatientName',
  'PatientSex',
  'StudyInstanceUID',
  'StudyDate',
  'StudyTime',
  'StudyDescription',
  'SeriesInstanceUID',
  'SeriesTime',
  'SeriesNumber',
  'SeriesDescription',
  'SOPClassUID',
  'Modality',
  'Manufacturer',
  'ManufacturerModelName',
  'ImageType',
  'SequenceName',
  'ScanningSequence',
  'SequenceVariant',
  'EchoTime',
  'RepetitionTime',
  'SliceThickness',
] as const

/**
 * The `.json` beside a package, with the original's names; what an object does not say is left out.
 * @param about of the package
 * @throws FionaError E_FILE_READ, E_DICOM_PARSE
 */
export function summaryOf(
  objects: readonly StudyObject[],
  about: Readonly<Record<string, unknown>>,
): string {
  const [first] = objects
  const values: Record<string, unknown> = {}
  if (first !== undefined) {
    using file = DicomFile.open(first.path, { stopAtPixelData: true })
    for (const keyword of told) {
      const tag = tagOf(keyword)
      const text = tag === undefined ? [] : file.strings(file.dataSet, tag)
      if (text.length > 0) values[keyword] = text.join('\\')
    }
  }
  // A text, as the original has it.
  const summary = { ...values, NumFiles: String(objects.length), ...about }
  return `${JSON.stringify(summary, undefined, 2)}\n`
}
