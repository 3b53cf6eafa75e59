import type { AnyRecord, MarkRecord } from '../record/index.ts'
import type { Decision } from './keeper.ts'

interface Pending extends Decision {
  said: boolean
  /** The first mark that passed after it was said. */
  mark: number | undefined
}

/**
 * Decisions on their way to the next in line. In a stage one has arrived when a mark that passed after
 * it is reported as committed. By hand there is nobody to report: it has arrived when it was written to
 * stdout. Until then it is said again after a restart.
 */
export class Deliveries {
  nextNumber = 1
  #by: 'writing' | 'marks'
  #pending: Pending[] = []
  readonly #onDelivered: (upTo: number) => void

  constructor(by: 'writing' | 'marks', onDelivered: (upTo: number) => void) {
    this.#by = by
    this.#onDelivered = onDelivered
  }

  get pending(): readonly Decision[] {
    return this.#pending.map(({ number, records }) => ({ number, records }))
  }

  /** Decisions of a former process that were not confirmed. They are the first in the list. */
  get toRepeat(): boolean {
    return this.#pending[0]?.said === false
  }

  repeat(): AnyRecord[] {
    const records: AnyRecord[] = []
    for (const decision of this.#pending) {
      if (decision.said) break
      decision.said = true
      records.push(...decision.records)
    }
    return records
  }

  /** A new decision, which the caller is about to say. */
  decided(records: readonly AnyRecord[]): Decision {
    const number = this.nextNumber++
    this.#pending.push({ number, records, said: true, mark: undefined })
    return { number, records }
  }

  restore(decision: Decision): void {
    this.#pending.push({ ...decision, said: false, mark: undefined })
    this.nextNumber = Math.max(this.nextNumber, decision.number + 1)
  }

  delivered(upTo: number): void {
    this.#pending = this.#pending.filter(({ number }) => number > upTo)
  }

  /** What was said so far is in front of this mark. */
  mark({ seq, committed }: MarkRecord): void {
    if (committed !== undefined) this.#by = 'marks'
    this.written()
    if (this.#by === 'writing') return
    if (committed !== undefined) {
      this.#confirm(({ mark }) => mark !== undefined && mark <= committed)
    }
    for (const decision of this.#pending) if (decision.said) decision.mark ??= seq
  }

  /** All that was said so far has been written to stdout. */
  written(): void {
    if (this.#by === 'writing') this.#confirm(({ said }) => said)
  }

  /** The list is in order of number, and so are the marks: what is confirmed is its beginning. */
  #confirm(isDelivered: (decision: Pending) => boolean): void {
    const kept = this.#pending.findIndex((decision) => !isDelivered(decision))
    const count = kept === -1 ? this.#pending.length : kept
    const last = this.#pending[count - 1]
    if (last === undefined) return
    this.#pending.splice(0, count)
    this.#onDelivered(last.number)
  }
}
