import { tagOf, vrOf } from '../dicom/index.ts'

/** What a template may name. */
export interface LayoutField {
  readonly name: string
  /** Of an attribute of the object; undefined for what only its record tells. */
  readonly tag: number | undefined
  /** What it tells apart; undefined for what several series, or objects of one, may have or not. */
  readonly level: 'patient' | 'study' | 'series' | undefined
}

/** Who sent it, as the record and the file meta information (PS3.10 7.1) have it. */
const ofRecord = ['callingAET', 'calledAET']

const levels: Readonly<Record<string, LayoutField['level']>> = {
  PatientID: 'patient',
  PatientName: 'patient',
  PatientBirthDate: 'patient',
  StudyInstanceUID: 'study',
  StudyDate: 'study',
  StudyTime: 'study',
  StudyID: 'study',
  StudyDescription: 'study',
  AccessionNumber: 'study',
  SeriesInstanceUID: 'series',
  SeriesNumber: 'series',
  SeriesDate: 'series',
  SeriesTime: 'series',
  SeriesDescription: 'series',
  ProtocolName: 'series',
}

/** Bytes and sequences have no text that would be a name. */
const nameless = new Set('OB OD OF OL OV OW SQ UN'.split(' '))

export function layoutField(name: string): LayoutField | undefined {
  if (ofRecord.includes(name)) return { name, tag: undefined, level: undefined }
  const tag = tagOf(name)
  return tag === undefined ? undefined : { name, tag, level: levels[name] }
}

/** Whether there is text in it; the file meta information (group 2) is not looked at. */
export function hasText({ tag }: LayoutField): boolean {
  return tag === undefined || (tag >>> 16 !== 2 && !nameless.has(vrOf(tag) ?? 'UN'))
}

export const fieldsOfRecord: readonly string[] = ofRecord
