import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ctImage } from '../test/fixtures/dicom-writer.ts'

/** Of a full CT image, 525 kB. */
const fullSize = 512

/** Four folders of as many CT objects of 525 kB each: a study with ten series. */
export function writeStudy(directory: string, study: number, count: number): void {
  writeObjects(directory, study, count, fullSize)
}

/**
 * Small objects, for programs that run for months: until some thousand have passed, V8 interprets and
 * compiles what it then has ready. For a program that is compiled ahead they are nothing.
 */
export function writeWarmUp(directory: string, study: number, count: number): void {
  writeObjects(directory, study, count, 64)
}

function writeObjects(directory: string, study: number, count: number, size: number): void {
  for (let at = 0; at < count; at++) {
    const folder = join(directory, String(at % 4))
    mkdirSync(folder, { recursive: true })
    const studyUID = `2.25.100${String(study)}`
    const seriesUID = `${studyUID}.${String(Math.floor(at / (count / 10)))}`
    const sopUID = `${seriesUID}.${String(at)}`
    const image = { studyUID, seriesUID, sopUID, instanceNumber: at, rows: size, columns: size }
    writeFileSync(join(folder, `${String(at)}.dcm`), ctImage(image))
  }
}
