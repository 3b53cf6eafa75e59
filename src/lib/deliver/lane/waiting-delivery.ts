import type { FionaError } from '../../error/index.ts'
import type { Delivery } from '../delivery.ts'
import { type Priority, isPriority } from './turns.ts'

/** A delivery that waits for its turn, or for a later try. */
export interface WaitingDelivery {
  readonly key: string
  readonly delivery: Delivery
  /** Tries in a row that brought nothing. */
  failures: number
  /** It waits because the destination could not be reached, not for any reason of its own. */
  isKeptOut: boolean
  /** It waits for a report of storage commitment alone. */
  awaitsReport: boolean
  /** A report came while it was looked at. */
  isReported: boolean
  /** Why the last try brought not everything. */
  error?: FionaError
  /** A person ends it; aborted when that is said while it is on its way. */
  readonly dropping: AbortController
  dropped?: FionaError
  /** Monotonic, ms. */
  dueAt: number
}

export function notTriedYet(key: string, delivery: Delivery, dueAt: number): WaitingDelivery {
  return {
    key,
    delivery,
    failures: 0,
    isKeptOut: true,
    awaitsReport: false,
    isReported: false,
    dropping: new AbortController(),
    dueAt,
  }
}

/** That of the record, else that of its project or destination. */
export function priorityOf({ delivery }: WaitingDelivery): Priority {
  const { priority } = delivery.record
  return isPriority(priority) ? priority : delivery.destination.priority
}
