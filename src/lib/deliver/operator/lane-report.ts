import type { ProcessIdentity } from '../../storage/index.ts'

/** Trouble with a destination, and when it was. Times are ISO 8601, UTC. */
export interface Trouble {
  readonly code: string
  readonly message: string
  readonly time: string
}

/** What a lane says of itself. */
export interface LaneReport {
  /** unknown: nothing was tried yet since the start. */
  readonly state: 'up' | 'down' | 'unknown'
  /** When that state began. */
  readonly since: string
  readonly lastError?: Trouble
  /** Its window is closed until then. */
  readonly windowUntil?: string
  readonly nextTryAt?: string
  /** That wait, the one in hand included. */
  readonly studies: number
  readonly inHand?: { readonly requestId: string; readonly sent: number; readonly of: number }
  /** Local date, and what arrived on it. */
  readonly today: {
    readonly date: string
    readonly objects: number
    readonly studies: number
    /** Of these studies: delivered, and the destination did not say that it has them, though it was to be asked. */
    readonly unverified?: number
    /** Studies that ended with something missing; those that were dropped among them. */
    readonly incomplete?: number
  }
  /** Those that have trouble of their own, or wait for a report; at most 1,000. */
  readonly deliveries: readonly {
    readonly key: string
    readonly attempts: number
    readonly nextTryAt: string
    readonly awaitsReport: boolean
    readonly code?: string
    readonly message?: string
  }[]
}

/** A report as it stands in its file. */
export interface LaneStatus extends LaneReport {
  readonly v: 1
  readonly destination: string
  readonly url: string
  readonly time: string
  readonly process: ProcessIdentity
}
