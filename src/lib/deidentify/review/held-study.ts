import type { AnyRecord } from '../../record/index.ts'
import type { Reason } from '../reasons.ts'
import type { Held } from '../study/study-task.ts'

/** Why a study waits, and all that is needed to make it again. It names the patient: mode 0600. */
export interface HeldStudy {
  readonly v: 1
  readonly time: string
  /** Who ran the tool that held it. */
  readonly user: string
  readonly requestId: string
  readonly project: string
  readonly participant: string
  readonly event?: string
  /** It came back from processing: nothing of it is rewritten. */
  readonly returned?: true
  readonly outbox: string
  readonly reasons: readonly Reason[]
  readonly details: Held['details']
  readonly masked?: Held['masked']
  /** The command that decides, with all that the tool was told which held it. */
  readonly how?: string
  /** Where the record of a released study goes: the journal behind the stage that held it. */
  readonly journal?: string
  /** The input, as it came. */
  readonly record: AnyRecord
}

/** Undefined where it is not what was written. */
export function parseHeldStudy(text: string): HeldStudy | undefined {
  let study: Partial<Record<keyof HeldStudy, unknown>> | null
  try {
    study = JSON.parse(text) as typeof study
  } catch {
    return undefined
  }
  const names = [study?.requestId, study?.project, study?.participant, study?.outbox]
  const isWhole =
    study?.v === 1 &&
    names.every((name) => typeof name === 'string') &&
    [study.event, study.how, study.journal].every(
      (text) => text === undefined || typeof text === 'string',
    ) &&
    Array.isArray(study.reasons) &&
    typeof study.record === 'object' &&
    study.record !== null
  return isWhole ? (study as unknown as HeldStudy) : undefined
}
