import type { AnyRecord } from '../record/index.ts'
import type { PerformedStep } from './performed-steps.ts'
import type { Pause } from './rhythms.ts'
import type { StudyState } from './study-state.ts'
import type { CompleteStudies, OpenStudies } from './study-maps.ts'
import type { Arrived, Released, Study } from './study.ts'

/** Records that were decided together, numbered in order. */
export interface Decision {
  readonly number: number
  readonly records: readonly AnyRecord[]
}

/** One step of what happened; from these in order the memory can be made again. */
export type Step =
  | { readonly step: 'object'; readonly object: Arrived; readonly openedAt?: number }
  | { readonly step: 'performed'; readonly performed: PerformedStep }
  | {
      readonly step: 'released'
      readonly study: { readonly project?: string | undefined; readonly StudyInstanceUID: string }
      readonly by: Released
    }
  | { readonly step: 'paused'; readonly pause: Pause }
  | { readonly step: 'decision'; readonly decision: Decision }
  | { readonly step: 'delivered'; readonly upTo: number }
  | { readonly step: 'study'; readonly state: StudyState }
  | {
      /** More digests of a study that was just placed. */
      readonly step: 'objects'
      readonly study: { readonly project?: string | undefined; readonly StudyInstanceUID: string }
      readonly piece: string
    }
  | { readonly step: 'numbered'; readonly next: number }

/** What the tracker has in its head. */
export interface Memory {
  /** Studies with objects that no revision has counted. */
  readonly open: Pick<OpenStudies, 'values'>
  /** The keeper may take out what it keeps elsewhere, or has no room for. */
  readonly complete: CompleteStudies
  /** What modalities said, as long as it may prove something. */
  readonly performed: { values(): Iterable<PerformedStep> }
  /** How long senders pause. */
  readonly rhythms: { values(): Iterable<Pause> }
  /** Decisions not known to be delivered. */
  readonly decisions: readonly Decision[]
  readonly nextDecision: number
}

/** Where the memory is kept besides the head. */
export interface Keeper {
  /** A complete study that is no longer in the head. */
  recall(study: {
    project?: string | undefined
    StudyInstanceUID: string
  }): Promise<Study | undefined>
  note(step: Step): void
  /** All steps so far are as safe as they will be when this resolves. Bounds the memory, too. */
  commit(memory: Memory): Promise<void>
  close(): Promise<void>
}

/** Complete studies forgotten beyond these, when there is no directory to keep them in. */
const mostObjects = 1_000_000
const mostStudies = 20_000

/** Memory alone: what the process forgets is forgotten. */
export class HeadOnly implements Keeper {
  readonly #mostObjects: number
  readonly #mostStudies: number

  constructor(limits: { readonly objects?: number; readonly studies?: number } = {}) {
    this.#mostObjects = limits.objects ?? mostObjects
    this.#mostStudies = limits.studies ?? mostStudies
  }

  async recall(): Promise<undefined> {
    return undefined
  }

  note(): void {
    // Nothing outlives the process.
  }

  async commit({ complete }: Memory): Promise<void> {
    while (complete.objects > this.#mostObjects || complete.size > this.#mostStudies) {
      const { oldest } = complete
      if (oldest === undefined) return
      complete.delete(oldest.key)
    }
  }

  async close(): Promise<void> {
    // Nothing is open.
  }
}
