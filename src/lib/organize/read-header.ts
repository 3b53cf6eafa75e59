import { openHeader, type DicomFile } from '../dicom/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import type { InstanceRecord } from '../record/index.ts'

/** What `read` finds in the header of a file, which is closed afterwards. */
export function readHeader<Found>(path: string, read: (file: DicomFile) => Found): Found {
  using file = openHeader(path)
  return read(file)
}

const named = [
  ['SOPClassUID', 0x00080016],
  ['SOPInstanceUID', 0x00080018],
  ['StudyInstanceUID', 0x0020000d],
  ['SeriesInstanceUID', 0x0020000e],
] as const

/**
 * A record may come from anybody who can write to a front door. One that tells other UIDs than its file
 * would show an object among those of another study, and so perhaps of another patient.
 * @throws FionaError E_IDENTITY_MISMATCH
 */
export function requireIdentity(file: DicomFile, record: InstanceRecord): void {
  for (const [keyword, tag] of named) {
    const said = file.strings(file.dataSet, tag).join('\\')
    if (said === record[keyword]) continue
    throw new FionaError(
      'E_IDENTITY_MISMATCH',
      `the record says ${keyword} ${record[keyword]}, its file something else`,
      { hint: 'have fiona-import make the record anew from the file', exitCode: ExitCode.badInput },
    )
  }
}
