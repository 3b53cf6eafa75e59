import type { DicomFile } from '../dicom/index.ts'

const mediaStorageSOPClassUID = 0x00020002
const mediaStorageDirectory = '1.2.840.10008.1.3.10'
/** (0002,0002) of a DICOMDIR as it stands in the file: a damaged one is no object either. */
export const directoryClassElement = Buffer.from(
  `\x02\0\x02\0UI\x14\0${mediaStorageDirectory}`,
  'latin1',
)

/** A DICOMDIR (PS3.10 8.6): it lists objects, and is none. */
export function isDirectory(dicom: DicomFile): boolean {
  return dicom.string(dicom.meta, mediaStorageSOPClassUID) === mediaStorageDirectory
}
