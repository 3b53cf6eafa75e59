// CT objects with the records a receiver would write of them, for benches of filters.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ctImage } from '../test/fixtures/dicom-writer.ts'

/**
 * Objects of 525 kB, as a CT makes them, and what an instance record says of each behind its type.
 * @param side rows and columns: fewer where nobody reads pixels, for they take long to make
 */
export function writeInstances(
  directory: string,
  count: number,
  side = 512,
): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, at) => {
    const study = `2.25.${String(1000 + Math.floor(at / 200))}`
    const SeriesInstanceUID = `${study}.${String(Math.floor(at / 100))}`
    const SOPInstanceUID = `${SeriesInstanceUID}.${String(at)}`
    const path = join(directory, `${SOPInstanceUID}.dcm`)
    const image = { studyUID: study, seriesUID: SeriesInstanceUID, sopUID: SOPInstanceUID }
    const bytes = ctImage({ ...image, instanceNumber: at, rows: side, columns: side })
    writeFileSync(path, bytes)
    return {
      v: 1,
      time: '2024-01-02T03:04:05.678Z',
      path,
      size: bytes.length,
      SOPClassUID: '1.2.840.10008.5.1.4.1.1.2',
      SOPInstanceUID,
      SeriesInstanceUID,
      StudyInstanceUID: study,
      TransferSyntaxUID: '1.2.840.10008.1.2.1',
      source: { callingAET: 'SCANNER', calledAET: 'FIONA', address: '10.0.0.1' },
      attributes: { PatientID: 'EX-0001', Modality: 'CT', SeriesDescription: 'Axial 5 mm' },
    }
  })
}
