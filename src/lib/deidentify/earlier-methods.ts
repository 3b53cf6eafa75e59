import type { DicomFile } from '../dicom/index.ts'
import type { Statement } from './profile/profile.ts'
import { methodCodes } from './profile/profile-options.ts'

const DeidentificationMethodCodeSequence = 0x00120064
const LongitudinalTemporalInformationModified = 0x00280303
const known = new Map<string, string>(Object.values(methodCodes))
const byLoss = ['UNMODIFIED', 'MODIFIED', 'REMOVED'] as const

/**
 * What an object says of itself that was de-identified before: PS3.3 C.7.1.1 has an item for each of several steps.
 * Codes of the standard's list stay, in front of ours; texts, and codes of others, may say who it was, and go. Dates that
 * an earlier step shifted or removed are not unmodified because ours left them alone.
 */
export function afterEarlier(statement: Statement, file: DicomFile): Statement {
  const items = file.dataSet.get(DeidentificationMethodCodeSequence)?.items ?? []
  const earlier = items.flatMap((item) => {
    const value = file.string(item, 0x00080100) ?? ''
    const meaning = known.get(value)
    const isStandard = file.string(item, 0x00080102) === 'DCM' && meaning !== undefined
    return isStandard ? [[value, meaning] as const] : []
  })
  const codes = new Map<string, string>([...earlier, ...statement.codes])
  const said = file.string(file.dataSet, LongitudinalTemporalInformationModified)
  const earlierLoss = byLoss.findIndex((word) => word === said)
  const ourLoss = byLoss.indexOf(statement.longitudinal)
  return {
    ...statement,
    codes: [...codes],
    longitudinal: byLoss[Math.max(earlierLoss, ourLoss)] ?? statement.longitudinal,
  }
}
