import type { Logger } from 'pino'
import type { Delivery } from '../delivery.ts'
import type { Destination } from '../destination.ts'
import { Turns } from './turns.ts'
import { type WaitingDelivery, priorityOf } from './waiting-delivery.ts'

/** Clocks are set, and machines sleep: whether a window is open is looked at again. */
const windowCheckMs = 60_000

export interface WaitingLineOptions {
  readonly destination: Destination
  readonly log: Logger
  /** Monotonic, ms. */
  readonly now: () => number
  /** Of the wall. */
  readonly clock: () => Date
  /** A person said that it shall wait. */
  readonly isHeld?: (delivery: Delivery) => boolean
}

/** What waits for one destination, and which of it goes next: by holds, window, due time, priority and age. */
export class WaitingLine {
  readonly #options: WaitingLineOptions
  readonly #waiting = new Map<string, WaitingDelivery>()
  readonly #turns = new Turns()
  /** What is told once for each time that it is closed. */
  #toldOfWindow: number | undefined

  constructor(options: WaitingLineOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#waiting.size
  }

  /** As they are now, in the order in which they came. */
  get all(): readonly WaitingDelivery[] {
    return [...this.#waiting.values()]
  }

  /** Somebody waits whom no person holds. */
  get isAnyFree(): boolean {
    for (const one of this.#waiting.values()) if (!this.isHeld(one)) return true
    return false
  }

  has(one: WaitingDelivery): boolean {
    return this.#waiting.get(one.key) === one
  }

  /** At the end of the line. The same delivery, asked for again: the latest word counts. */
  push(one: WaitingDelivery): void {
    this.#waiting.delete(one.key)
    this.#waiting.set(one.key, one)
  }

  /** It was in hand; unless it was asked for again meanwhile, which is the latest word. */
  putBack(one: WaitingDelivery): void {
    if (!this.#waiting.has(one.key)) this.#waiting.set(one.key, one)
  }

  remove(one: WaitingDelivery): void {
    if (this.has(one)) this.#waiting.delete(one.key)
  }

  isHeld({ delivery }: WaitingDelivery): boolean {
    return this.#options.isHeld?.(delivery) ?? false
  }

  needsWindow({ delivery }: WaitingDelivery): boolean {
    const { window } = this.#options.destination
    return window !== undefined && delivery.record.bytes > window.overBytes
  }

  /** Monotonic, ms, of the first that no person holds; Infinity where there is none. */
  get firstDueAt(): number {
    let first = Infinity
    for (const one of this.#waiting.values()) {
      if (one.dueAt < first && !this.isHeld(one)) first = one.dueAt
    }
    return first
  }

  /** @returns who goes now, or how many ms nobody does */
  whoIsNext(): { readonly next: WaitingDelivery | undefined; readonly wait: number } {
    const { now, clock, destination, log } = this.#options
    const opens = destination.window?.daily.opensAt(clock())
    const free = this.all.filter((one) => !this.isHeld(one))
    const mayGo = free.filter((one) => opens === undefined || !this.needsWindow(one))
    if (opens === undefined) this.#toldOfWindow = undefined
    else if (mayGo.length < free.length && this.#toldOfWindow !== opens.getTime()) {
      this.#toldOfWindow = opens.getTime()
      const deliveries = free.length - mayGo.length
      log.info({ deliveries, until: opens.toISOString() }, 'waits for its window')
    }
    const time = now()
    const due = mayGo.filter(({ dueAt }) => dueAt <= time)
    if (due.length === 0) {
      const waits = mayGo.map(({ dueAt }) => dueAt - time)
      if (mayGo.length < free.length) waits.push(windowCheckMs)
      return { next: undefined, wait: waits.reduce((a, b) => Math.min(a, b), Infinity) }
    }
    const turn = this.#turns.next(new Set(due.map(priorityOf)))
    const next = due
      .filter((one) => priorityOf(one) === turn)
      .reduce((a, b) => (b.dueAt < a.dueAt ? b : a))
    return { next, wait: 0 }
  }
}
