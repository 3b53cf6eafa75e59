import type { AnyRecord } from '../record/index.ts'
import { Rate } from './rate.ts'

/** What went through the chain since it was started. */
export interface Counts {
  /** Objects received, and of late, in a second. */
  readonly objects: number
  readonly objectsPerSecond: number
  /** Bytes of them in a second, of late. */
  readonly bytesPerSecond: number
  /** Studies that became complete; of them those that had been complete before. */
  readonly studies: number
  readonly again: number
  readonly held: number
  /** Deliveries, of them those that were not done in full, and objects that reached their destination. */
  readonly deliveries: number
  readonly undelivered: number
  readonly delivered: number
  readonly deliveredPerSecond: number
  readonly errors: number
}

/** Reception is a stream; a delivery tells all of its objects at once. */
const receptionSeconds = 10
const deliverySeconds = 60

/** Counts records where each first happens; a later journal repeats what it passes on. */
export class Tally {
  readonly #now: () => number
  readonly #received: Rate
  readonly #bytes: Rate
  readonly #sent: Rate
  #studies = 0
  #again = 0
  #held = 0
  #deliveries = 0
  #undelivered = 0
  #errors = 0

  /** @param now monotonic, in ms */
  constructor(now: () => number) {
    this.#now = now
    this.#received = new Rate(receptionSeconds)
    this.#bytes = new Rate(receptionSeconds)
    this.#sent = new Rate(deliverySeconds)
  }

  add(journal: string, record: AnyRecord): void {
    const now = this.#now()
    if (journal === 'received' && record.type === 'instance') {
      this.#received.add(1, now)
      this.#bytes.add(count(record['size']), now)
    } else if (journal === 'organized' && record.type === 'study') {
      this.#studies++
      if (count(record['revision']) > 1) this.#again++
    } else if (journal === 'held' && record.type === 'held') this.#held++
    else if (journal === 'sent' && record.type === 'transfer') {
      this.#deliveries++
      if (record['status'] !== 'sent') this.#undelivered++
      this.#sent.add(count((record['instances'] as { sent?: unknown } | undefined)?.sent), now)
    } else if (journal === 'errors' && record.type === 'error') this.#errors++
  }

  get counts(): Counts {
    const now = this.#now()
    return {
      objects: this.#received.total,
      objectsPerSecond: this.#received.perSecond(now),
      bytesPerSecond: this.#bytes.perSecond(now),
      studies: this.#studies,
      again: this.#again,
      held: this.#held,
      deliveries: this.#deliveries,
      undelivered: this.#undelivered,
      delivered: this.#sent.total,
      deliveredPerSecond: this.#sent.perSecond(now),
      errors: this.#errors,
    }
  }
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0
}
