// What a hospital sends: studies of a few patients, some of which get more objects after they were complete.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ctImage, el } from '../fixtures/dicom-writer.ts'
import type { Dice } from './dice.ts'

export interface LoadObject {
  readonly path: string
  readonly PatientID: string
  readonly StudyInstanceUID: string
  readonly SeriesInstanceUID: string
  readonly SOPInstanceUID: string
  /** When the modality has it, ms after the beginning. */
  readonly dueMs: number
}

const patients = 6
/** Long behind the quiet time of the chain under test: another revision. */
const lateMs = [3000, 6000] as const

/** Objects in the order in which they are due, their files written. */
export function makeLoad(root: string, seconds: number, dice: Dice): LoadObject[] {
  mkdirSync(root, { recursive: true })
  const objects: LoadObject[] = []
  for (let study = 0, ms = 0; ms < seconds * 1000; study++, ms += dice.between(300, 900)) {
    const patient = study % patients
    const count = dice.between(4, 14)
    const late = dice.next() < 0.4 ? dice.between(1, 3) : 0
    const afterMs = dice.between(...lateMs)
    for (let number = 0; number < count + late; number++) {
      const isLate = number >= count
      const dueMs = ms + (isLate ? afterMs : number * 5)
      objects.push(makeObject(root, { study, patient, number, dueMs, side: dice.between(8, 96) }))
    }
  }
  return objects.sort((a, b) => a.dueMs - b.dueMs)
}

function makeObject(
  root: string,
  about: { study: number; patient: number; number: number; dueMs: number; side: number },
): LoadObject {
  const { study, patient, number, dueMs, side } = about
  const StudyInstanceUID = `2.25.88${String(study)}`
  const SeriesInstanceUID = `${StudyInstanceUID}.${String(number % 2)}`
  const SOPInstanceUID = `${SeriesInstanceUID}.${String(number)}`
  const PatientID = `CRASH-${String(patient)}`
  const path = join(root, `${SOPInstanceUID}.dcm`)
  const image = ctImage({
    studyUID: StudyInstanceUID,
    seriesUID: SeriesInstanceUID,
    sopUID: SOPInstanceUID,
    instanceNumber: number,
    rows: side,
    columns: side,
    elements: [
      el(0x00100010, 'PN', `Crashname${String(patient)}^Patient`),
      el(0x00100020, 'LO', PatientID),
    ],
  })
  writeFileSync(path, image)
  return { path, PatientID, StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID, dueMs }
}
