import type { AnyRecord } from '../record/index.ts'
import type { Deliveries } from './deliveries.ts'
import type { Head } from './head.ts'
import type { Step } from './keeper.ts'
import type { PerformedSteps } from './performed-steps.ts'
import type { Rhythms } from './rhythms.ts'
import { studyFrom } from './study-state.ts'

/** What is made again. */
export interface Restored {
  readonly head: Head
  readonly deliveries: Deliveries
  readonly performed: PerformedSteps
  readonly rhythms: Rhythms
}

/** What former processes noted, in order: afterwards the memory is as it was. */
export async function restoreFrom(
  steps: AsyncIterable<Step>,
  { head, deliveries, performed, rhythms }: Restored,
): Promise<void> {
  for await (const step of steps) {
    switch (step.step) {
      case 'numbered':
        deliveries.nextNumber = step.next
        break
      case 'study':
        head.place(studyFrom(step.state))
        break
      case 'objects':
        head.get(step.study)?.objects.addPiece(step.piece)
        break
      case 'object': {
        const { object, openedAt } = step
        const study = head.get(object) ?? (await head.recall(object))
        const isNew = study.add(object) !== undefined
        if (isNew && openedAt !== undefined) study.openedAt = openedAt
        head.place(study)
        break
      }
      case 'performed':
        performed.take(step.performed)
        break
      case 'paused':
        rhythms.take(step.pause)
        break
      case 'released': {
        const study = head.get(step.study)
        if (study?.isOpen === true) study.released = step.by
        break
      }
      case 'decision':
        deliveries.restore(step.decision)
        for (const record of step.decision.records) restoreDecision(record, head, performed)
        break
      case 'delivered':
        deliveries.delivered(step.upTo)
    }
  }
}

/** A decision that the study's state already contains changes nothing. */
function restoreDecision(record: AnyRecord, head: Head, performed: PerformedSteps): void {
  const told = record as AnyRecord & {
    readonly StudyInstanceUID: string
    readonly project?: string
  }
  const study = head.get(told)
  if (study?.isOpen !== true) return
  if (record.type === 'series') {
    const series = study.series.get(String(record['SeriesInstanceUID']))
    if (series !== undefined) series.said = Math.max(series.said, Number(record['instances']))
  } else if (record['revision'] === study.revision + 1) {
    study.close()
    performed.decided(study)
    head.place(study)
  }
}
