import type { DicomFile } from '../dicom/index.ts'
import { parseUid, type Uid } from '../uid/index.ts'

/** What names an object: class and instance (PS3.3 C.12.1) and where it belongs (C.7.2.1, C.7.3.1). */
export interface Identity {
  readonly SOPClassUID: Uid
  readonly SOPInstanceUID: Uid
  readonly SeriesInstanceUID: Uid
  readonly StudyInstanceUID: Uid
}

/** @throws FionaError E_UID_INVALID when one is absent, empty, no UID, or several */
export function identityOf(file: DicomFile): Identity {
  return {
    SOPClassUID: uidOf(file, 0x00080016, 'SOPClassUID'),
    SOPInstanceUID: uidOf(file, 0x00080018, 'SOPInstanceUID'),
    SeriesInstanceUID: uidOf(file, 0x0020000e, 'SeriesInstanceUID'),
    StudyInstanceUID: uidOf(file, 0x0020000d, 'StudyInstanceUID'),
  }
}

function uidOf(file: DicomFile, tag: number, keyword: keyof Identity): Uid {
  const values = file.strings(file.dataSet, tag)
  return parseUid(values.length === 0 ? undefined : values.join('\\'), keyword)
}
