import { DicomFile } from '../../dicom/index.ts'
import { FionaError, troubleOfSurroundings } from '../../error/index.ts'
import type { SourceObject } from './source-objects.ts'

/** Who a study is of, as its first readable object says; empty where it says nothing. */
export interface Patient {
  readonly PatientID: string
  readonly IssuerOfPatientID: string
}

export function patientOf(objects: readonly SourceObject[]): Patient {
  for (const { path } of objects) {
    try {
      return patientIn(path)
    } catch (error) {
      // The one that cannot be read is reported when its turn comes.
      if (!(error instanceof FionaError) || troubleOfSurroundings(error) !== undefined) throw error
    }
  }
  return { PatientID: '', IssuerOfPatientID: '' }
}

function patientIn(path: string): Patient {
  using file = DicomFile.open(path, { stopAtPixelData: true })
  return {
    PatientID: file.string(file.dataSet, 0x00100020) ?? '',
    IssuerOfPatientID: file.string(file.dataSet, 0x00100021) ?? '',
  }
}
