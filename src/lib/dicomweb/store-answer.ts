import { itemsOf, numberOf, readDataSets, textOf } from './read-data-sets.ts'
import type { WebAnswer } from './web-client.ts'

const tags = {
  ReferencedSOPInstanceUID: '00081155',
  WarningReason: '00081196',
  FailureReason: '00081197',
  FailedSOPSequence: '00081198',
  ReferencedSOPSequence: '00081199',
} as const

/** PS3.7 annex C: what is said where no reason is given. */
const processingFailure = 0x0110

/** What became of one object. `reason` is a status as of C-STORE (PS3.18 I.2, PS3.4 B.2.3). */
export type StoredHow =
  | { readonly kind: 'stored'; readonly warning?: number | undefined }
  | { readonly kind: 'failed'; readonly reason: number }

/** By SOP Instance UID. */
export type StoreAnswers = ReadonlyMap<string, StoredHow>

/**
 * The Store Instances Response Module (PS3.18 I.2): what the service says of each object. Of an object that is
 * in both lists, the failure counts.
 * @returns undefined when there is none: then nobody knows what became of the objects, whatever the status
 */
export function readStoreAnswer(answer: WebAnswer): StoreAnswers | undefined {
  const dataSets = readDataSets(answer)
  if (dataSets === undefined) return undefined
  const answers = new Map<string, StoredHow>()
  for (const dataSet of dataSets) {
    for (const item of itemsOf(dataSet, tags.ReferencedSOPSequence)) {
      const uid = textOf(item, tags.ReferencedSOPInstanceUID)
      if (uid === undefined || answers.get(uid)?.kind === 'failed') continue
      answers.set(uid, { kind: 'stored', warning: numberOf(item, tags.WarningReason) })
    }
    for (const item of itemsOf(dataSet, tags.FailedSOPSequence)) {
      const uid = textOf(item, tags.ReferencedSOPInstanceUID)
      if (uid === undefined) continue
      const reason = numberOf(item, tags.FailureReason) ?? processingFailure
      answers.set(uid, { kind: 'failed', reason })
    }
  }
  return answers
}
