import type { FionaError } from '../../error/index.ts'
import type { Delivery } from '../delivery.ts'
import { type Outcome, isComplete } from '../outcome.ts'
import type { LaneReport, Trouble } from './lane-report.ts'
import { localDay } from '../../text/index.ts'

/** Whether a destination answers, since when, and what it took today. */
export class LaneState {
  readonly #clock: () => Date
  #state: LaneReport['state'] = 'unknown'
  #since: string
  #lastError: Trouble | undefined
  #today: LaneReport['today']

  /** @param earlier what a former process said of today */
  constructor(clock: () => Date, earlier?: LaneReport['today']) {
    this.#clock = clock
    this.#since = clock().toISOString()
    this.#today = earlier ?? { date: localDay(clock()), objects: 0, studies: 0 }
  }

  up(): void {
    this.#become('up')
  }

  /** @param isDown the destination itself cannot be reached */
  failed(error: FionaError, isDown: boolean): void {
    this.troubled(error)
    this.#become(isDown ? 'down' : 'up')
  }

  /** It was not asked: whether it answers is not known from this. */
  troubled({ code, message }: FionaError): void {
    this.#lastError = { code, message, time: this.#clock().toISOString() }
  }

  sent(objects: number): void {
    const today = this.#ofToday()
    this.#today = { ...today, objects: today.objects + objects }
  }

  /** No try follows. */
  ended(outcome: Outcome): void {
    const today = this.#ofToday()
    const { studies, unverified = 0, incomplete = 0 } = today
    if (!isComplete(outcome)) {
      this.#today = { ...today, incomplete: incomplete + 1 }
    } else {
      const isOpen = outcome.error === undefined ? 0 : 1
      this.#today = { ...today, studies: studies + 1, unverified: unverified + isOpen }
    }
  }

  report(current: Delivery | undefined): Omit<LaneReport, 'deliveries' | 'studies'> {
    return {
      state: this.#state,
      since: this.#since,
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
      ...(current === undefined ? {} : { inHand: inHand(current) }),
      today: this.#ofToday(),
    }
  }

  #become(state: LaneReport['state']): void {
    if (state === this.#state) return
    this.#state = state
    this.#since = this.#clock().toISOString()
  }

  #ofToday(): LaneReport['today'] {
    const date = localDay(this.#clock())
    return this.#today.date === date ? this.#today : { date, objects: 0, studies: 0 }
  }
}

function inHand({ record, outcome }: Delivery): NonNullable<LaneReport['inHand']> {
  const sent = outcome.sent + outcome.sentBefore
  return { requestId: record.requestId, sent, of: Math.max(sent, record.instances) }
}
