import { DicomFile, tagOf } from '../../dicom/index.ts'
import { FionaError, troubleOfSurroundings } from '../../error/index.ts'
import { parseUid, type Uid } from '../../uid/index.ts'
import type { Reasons } from '../reasons.ts'
import type { IdentitySearch } from '../search/search-identity.ts'

const tags = {
  SeriesInstanceUID: tagOf('SeriesInstanceUID') ?? 0,
  SOPInstanceUID: tagOf('SOPInstanceUID') ?? 0,
  StudyInstanceUID: tagOf('StudyInstanceUID') ?? 0,
  PatientID: tagOf('PatientID') ?? 0,
  PatientName: tagOf('PatientName') ?? 0,
  BurnedInAnnotation: tagOf('BurnedInAnnotation') ?? 0,
}

export interface Expected {
  readonly StudyInstanceUID: string
  readonly participant: string
}

/** A file, and the UIDs that it says. */
export interface ReturnedObject {
  readonly path: string
  readonly SeriesInstanceUID: Uid
  readonly SOPInstanceUID: Uid
}

/** @returns undefined, and a reason, when it cannot be read */
export function headOf(path: string, reasons: Reasons): ReturnedObject | undefined {
  return orReason(reasons, () => {
    using file = DicomFile.open(path, { stopAtPixelData: true })
    const uid = (keyword: 'SeriesInstanceUID' | 'SOPInstanceUID'): Uid =>
      parseUid(file.string(file.dataSet, tags[keyword]), keyword)
    return {
      path,
      SeriesInstanceUID: uid('SeriesInstanceUID'),
      SOPInstanceUID: uid('SOPInstanceUID'),
    }
  })
}

/**
 * Whether a file is what came back of a participant: it says so itself, throughout, and holds nothing that is known of
 * the patient. What speaks against it is added to the reasons.
 */
export function lookAtReturned(
  object: ReturnedObject,
  { StudyInstanceUID, participant }: Expected,
  search: IdentitySearch,
  reasons: Reasons,
): void {
  orReason(reasons, () => {
    using file = DicomFile.open(object.path)
    const value = (keyword: keyof typeof tags): string =>
      file.strings(file.dataSet, tags[keyword]).join('\\').trim()
    const isWhatItWas =
      value('SeriesInstanceUID') === object.SeriesInstanceUID &&
      value('SOPInstanceUID') === object.SOPInstanceUID
    if (value('StudyInstanceUID') !== StudyInstanceUID || !isWhatItWas) {
      reasons.add('foreign-object', '')
    }
    if (value('PatientID') !== participant) reasons.add('patient-conflict', 'PatientID')
    const name = value('PatientName').replace(/[\^=\s]+$/, '')
    if (name !== '' && name !== participant) reasons.add('patient-conflict', 'PatientName')
    if (value('BurnedInAnnotation') === 'YES') reasons.add('burned-in-annotation', '')
    for (const where of search.find(file)) reasons.add('identity-found', where)
  })
}

function orReason<Value>(reasons: Reasons, look: () => Value): Value | undefined {
  try {
    return look()
  } catch (error) {
    if (!(error instanceof FionaError) || troubleOfSurroundings(error) !== undefined) throw error
    reasons.add('unreadable-object', error.code)
    return undefined
  }
}
