import type { Hold } from './holds.ts'
import type { LaneReport } from './lane-report.ts'
import { ObjectsToGo } from './objects-to-go.ts'
import type { Overview } from './overview.ts'

/** How one destination stands; what `status --json` prints. */
export interface DestinationStatus {
  readonly type: 'delivery'
  readonly destination: string
  /** stopped: no fiona-send runs that would deliver there; unknown: one runs, and has not tried yet. */
  readonly state: LaneReport['state'] | 'stopped'
  readonly since?: string
  readonly held?: Hold
  readonly windowUntil?: string
  readonly lastError?: LaneReport['lastError']
  readonly nextTryAt?: string
  readonly inHand?: LaneReport['inHand']
  /** What was taken and has not ended, the one in hand included. */
  readonly waiting: {
    /** Several revisions of one are one. */
    readonly studies: number
    /** That still have to go. */
    readonly objects: number
    /** There may be fewer: what is there of some of these studies was not looked up, or cannot be. */
    readonly atMost?: true
    /** Of these studies. */
    readonly held: number
    /** When the first of them was de-identified. */
    readonly oldest?: string
  }
  readonly today: LaneReport['today'] | undefined
}

/** How destinations stand; for one answer to one person. */
export class DestinationStatuses {
  readonly #overview: Overview
  readonly #objectsToGo: ObjectsToGo

  constructor(overview: Overview) {
    this.#overview = overview
    this.#objectsToGo = new ObjectsToGo(overview.state)
  }

  async of(destination: string): Promise<DestinationStatus> {
    const overview = this.#overview
    const lane = overview.laneOf(destination)
    const running = lane?.isAlive === true ? lane : undefined
    const held = overview.holdOfDestination(destination)
    const windowUntil = overview.windowOf(destination)
    const { lastError, nextTryAt, inHand } = running ?? {}
    return {
      type: 'delivery',
      destination,
      state: running?.state ?? 'stopped',
      ...(running === undefined ? {} : { since: running.since }),
      ...(held === undefined ? {} : { held }),
      ...(windowUntil === undefined ? {} : { windowUntil }),
      ...((lastError ?? lane?.lastError) ? { lastError: lastError ?? lane?.lastError } : {}),
      ...(nextTryAt === undefined ? {} : { nextTryAt }),
      ...(inHand === undefined ? {} : { inHand }),
      waiting: await this.#waiting(destination, inHand),
      today: overview.todayOf(destination),
    }
  }

  async #waiting(
    destination: string,
    inHand: LaneReport['inHand'],
  ): Promise<DestinationStatus['waiting']> {
    const { waiting, holds } = this.#overview
    const taken = waiting.filter((one) => one.destination.name === destination)
    const requests = new Set(taken.map(({ record }) => record.requestId))
    const held = [...requests].filter((requestId) => holds.of(destination, requestId) !== undefined)
    const [oldest] = taken.map(({ record }) => record.time).sort()
    return {
      studies: requests.size,
      ...(await this.#objectsToGo.of(taken, inHand)),
      held: held.length,
      ...(oldest === undefined ? {} : { oldest }),
    }
  }
}
