import { DicomFile, keywordOf, tagOf } from '../../dicom/index.ts'
import { FionaError, troubleOfSurroundings } from '../../error/index.ts'
import { parseUid, type Uid } from '../../uid/index.ts'
import { isAlwaysHeld, policyOf } from '../object-policy.ts'
import { type PixelPolicy, signsOfText } from '../pixels/index.ts'
import type { Reasons } from '../reasons.ts'
import type { Exclusion } from '../study/exclusions.ts'
import type { SourceObject } from '../study/source-objects.ts'
import type { IdentitySearch } from '../search/search-identity.ts'
import { keyOf, patientValues } from './patient-values.ts'

const tags = {
  SeriesInstanceUID: tagOf('SeriesInstanceUID') ?? 0,
  SOPInstanceUID: tagOf('SOPInstanceUID') ?? 0,
  StudyInstanceUID: tagOf('StudyInstanceUID') ?? 0,
  PatientID: tagOf('PatientID') ?? 0,
  PatientName: tagOf('PatientName') ?? 0,
  SOPClassUID: tagOf('SOPClassUID') ?? 0,
}

export interface Expected {
  readonly StudyInstanceUID: string
  readonly participant: string
  /** What our own objects say of the patient, by `keyOf`. */
  readonly sent: ReadonlySet<string>
  /** Of the project: what its rules call clean may be a screen shot. */
  readonly pixels: PixelPolicy
}

/** A file, and the UIDs that it says. */
export interface ReturnedObject extends SourceObject {
  readonly SeriesInstanceUID: Uid
  readonly SOPInstanceUID: Uid
}

/**
 * @param excluded counts, by rule, what the project or the request does not want
 * @returns undefined when it is not wanted, or, with a reason, when it cannot be read
 */
export function headOf(
  source: SourceObject,
  exclusion: Exclusion,
  excluded: Map<string, number>,
  reasons: Reasons,
): ReturnedObject | undefined {
  return orReason(reasons, () => {
    using file = DicomFile.open(source.path, { stopAtPixelData: true })
    const rule = exclusion(file, source)
    if (rule !== undefined) {
      excluded.set(rule, (excluded.get(rule) ?? 0) + 1)
      return undefined
    }
    const uid = (keyword: 'SeriesInstanceUID' | 'SOPInstanceUID'): Uid =>
      parseUid(file.string(file.dataSet, tags[keyword]), keyword)
    return {
      ...source,
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
  { StudyInstanceUID, participant, sent, pixels }: Expected,
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
    for (const said of patientValues(file)) {
      const [tag, text] = said
      if (tag === tags.PatientID && text === participant) continue
      if (tag === tags.PatientName && text.replace(/[\^=\s]+$/, '') === participant) continue
      // Whoever it is: it is nobody that we have sent.
      if (!sent.has(keyOf(said))) reasons.add('patient-conflict', keywordOf(tag) ?? 'patient')
    }
    addWhatMustBeSeen(file, object.types, pixels, reasons)
    for (const where of search.find(file)) reasons.add('identity-found', where)
  })
}

/** What no program can vouch for, and where a person could be read in the pixels: nothing is masked here. */
function addWhatMustBeSeen(
  file: DicomFile,
  types: readonly string[],
  { rules }: PixelPolicy,
  reasons: Reasons,
): void {
  const policy = policyOf(file.string(file.dataSet, tags.SOPClassUID) ?? '')
  if (policy === undefined) reasons.add('unknown-sop-class', 'SOPClassUID')
  else if (isAlwaysHeld(policy)) reasons.add(policy, 'SOPClassUID')
  const isCalledClean = rules.find(({ fits }) => fits(file, types))?.action.kind === 'clean'
  for (const { code, where } of signsOfText(file, policy ?? 'data', types)) {
    if (!isCalledClean || code === 'burned-in-annotation') reasons.add(code, where)
  }
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
