import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ctImage } from '../test/fixtures/dicom-writer.ts'

/** Four folders of as many CT objects of 525 kB each: a study with ten series. */
export function writeStudy(directory: string, study: number, count: number): void {
  for (let at = 0; at < count; at++) {
    const folder = join(directory, String(at % 4))
    mkdirSync(folder, { recursive: true })
    const studyUID = `2.25.100${String(study)}`
    const seriesUID = `${studyUID}.${String(Math.floor(at / (count / 10)))}`
    const sopUID = `${seriesUID}.${String(at)}`
    const image = { studyUID, seriesUID, sopUID, instanceNumber: at, rows: 512, columns: 512 }
    writeFileSync(join(folder, `${String(at)}.dcm`), ctImage(image))
  }
}
