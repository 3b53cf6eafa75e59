import type { FionaError } from '../../error/index.ts'
import type { Delivery, Halt, Verdict } from '../delivery.ts'
import type { LaneReport } from '../operator/lane-report.ts'
import { LaneState } from '../operator/lane-state.ts'
import { AfterATry, type AfterATryOptions } from './after-a-try.ts'
import { type WaitingDelivery, notTriedYet } from './waiting-delivery.ts'
import { WaitingLine, type WaitingLineOptions } from './waiting-line.ts'

/** Of deliveries with trouble of their own: a destination that is down for a week shall not make a report of megabytes. */
const mostReported = 1000

/** Of the one in hand. */
const progressMs = 5000

export interface LaneOptions extends WaitingLineOptions, AfterATryOptions {
  readonly halt: Halt
  /** Nothing follows soon. */
  readonly rest: () => Promise<void>
  /** Nothing can go on: the disk is full, say. */
  readonly broken: (error: unknown) => void
  /** What `report` says is something else now. */
  readonly changed?: () => void
  /** What a former process delivered today. */
  readonly earlier?: LaneReport['today'] | undefined
}

/**
 * The way to one destination. One study goes after the other; one that failed steps aside and comes
 * again later, so that it does not stop those behind it.
 */
export class Lane {
  readonly #options: LaneOptions
  readonly #line: WaitingLine
  readonly #after: AfterATry
  readonly #state: LaneState
  #current: WaitingDelivery | undefined
  readonly #afterCurrent: (() => void)[] = []
  #running: Promise<void> | undefined
  #leaveLater = false
  #wake: () => void = () => undefined

  constructor(options: LaneOptions) {
    this.#state = new LaneState(options.clock, options.earlier)
    this.#options = {
      ...options,
      ended: (key, delivery) => {
        this.#state.ended(delivery.outcome)
        return options.ended(key, delivery)
      },
    }
    this.#line = new WaitingLine(options)
    this.#after = new AfterATry(this.#options, this.#line, this.#state)
  }

  get name(): string {
    return this.#options.destination.name
  }

  get size(): number {
    return this.#line.size + (this.#current === undefined ? 0 : 1)
  }

  /** What was not delivered when the lane was stopped. */
  get left(): readonly Delivery[] {
    return this.#line.all.map(({ delivery }) => delivery)
  }

  /** It waits in the line until somebody looks. */
  add(key: string, delivery: Delivery): void {
    this.#line.push(notTriedYet(key, delivery, this.#after.pausedUntil))
  }

  push(key: string, delivery: Delivery): void {
    this.add(key, delivery)
    this.look()
  }

  /** Something was pushed, or what was held is not any more. */
  look(): void {
    this.#changed()
    this.#wake()
    if (this.#running !== undefined || !this.#line.isAnyFree) return
    this.#running = Promise.resolve().then(() => this.#run())
    this.#running.catch(this.#options.broken)
  }

  /**
   * Tries now what waits for a later try, with all its tries before it; windows and holds stay.
   * @param requestId absent for all
   * @returns how many deliveries that were
   */
  retryNow(requestId?: string): number {
    const meant = this.#line.all.filter(
      ({ delivery, awaitsReport }) =>
        !awaitsReport && (requestId === undefined || delivery.record.requestId === requestId),
    )
    if (meant.length > 0) this.#after.pausedUntil = 0
    for (const one of meant) {
      one.dueAt = 0
      one.failures = 0
    }
    this.look()
    return meant.length
  }

  /**
   * Ends deliveries of a request. One that is on its way finishes the object in hand; if that was the last,
   * it is delivered, and not ended.
   * @returns how many were ended; undefined when we are stopped before that: it is to be said again
   */
  async drop(requestId: string, error: FionaError): Promise<number | undefined> {
    const isMeant = ({ delivery }: WaitingDelivery): boolean =>
      delivery.record.requestId === requestId
    const current = this.#current
    const meant = this.#line.all.filter(isMeant)
    for (const one of meant) this.#line.remove(one)
    for (const one of meant) await this.#end(one, error)
    let ended = meant.length
    if (current !== undefined && isMeant(current)) {
      current.dropped = error
      current.dropping.abort()
      await new Promise<void>((resolve) => {
        this.#afterCurrent.push(resolve)
      })
      if (this.#line.has(current)) return undefined
      if (current.delivery.outcome.error === error) ended++
    }
    this.look()
    return ended
  }

  /** For persons who ask. */
  report(): LaneReport {
    const { destination, clock, now } = this.#options
    const opens = destination.window?.daily.opensAt(clock())
    const at = (dueAt: number): string =>
      new Date(clock().getTime() + Math.max(0, dueAt - now())).toISOString()
    const { firstDueAt } = this.#line
    return {
      ...this.#state.report(this.#current?.delivery),
      studies: this.size,
      ...(opens === undefined ? {} : { windowUntil: opens.toISOString() }),
      ...(Number.isFinite(firstDueAt) ? { nextTryAt: at(firstDueAt) } : {}),
      deliveries: this.#line.all
        .filter(({ error, awaitsReport }) => error !== undefined || awaitsReport)
        .slice(0, mostReported)
        .map(({ key, delivery, error, awaitsReport, dueAt }) => ({
          key,
          attempts: delivery.outcome.attempts,
          nextTryAt: at(dueAt),
          awaitsReport,
          ...(error === undefined ? {} : { code: error.code, message: error.message }),
        })),
    }
  }

  /** A report came that a delivery may wait for. */
  reported(key: string): void {
    if (this.#current?.key === key) this.#current.isReported = true
    for (const one of this.#line.all) if (one.key === key && one.awaitsReport) one.dueAt = 0
    this.#wake()
  }

  /** Nothing waits and nothing is under way, or the lane was stopped. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  /** As `idle`, but what waits for a later try is left waiting. */
  async drained(): Promise<void> {
    this.#leaveLater = true
    this.#wake()
    await this.idle()
  }

  #changed(): void {
    this.#options.changed?.()
  }

  async #end(one: WaitingDelivery, dropped: FionaError): Promise<void> {
    await one.delivery.drop(dropped)
    await this.#options.ended(one.key, one.delivery)
  }

  async #run(): Promise<void> {
    const { rest } = this.#options
    const { stopping } = this.#options.halt
    const onStop = (): void => {
      this.#wake()
    }
    stopping.addEventListener('abort', onStop)
    try {
      // What comes while the carrier is put to rest has woken nobody.
      do {
        await this.#deliver()
        await rest()
      } while (!stopping.aborted && this.#isAnyLeft())
    } finally {
      stopping.removeEventListener('abort', onStop)
      this.#current = undefined
      this.#running = undefined
    }
  }

  async #deliver(): Promise<void> {
    const { rest } = this.#options
    const { stopping } = this.#options.halt
    let isResting = false
    while (this.#line.isAnyFree && !stopping.aborted) {
      const { next, wait } = this.#line.whoIsNext()
      if (next === undefined) {
        if (this.#leaveLater) return
        // Then it is looked at again: something may have come meanwhile.
        if (isResting) await this.#sleep(wait)
        else await rest()
        isResting = true
        continue
      }
      isResting = false
      await this.#take(next)
    }
  }

  async #take(next: WaitingDelivery): Promise<void> {
    this.#line.remove(next)
    this.#current = next
    const before = next.delivery.outcome.sent
    const tick = setInterval(() => {
      this.#changed()
    }, progressMs)
    this.#changed()
    try {
      await this.#attempt(next)
    } finally {
      clearInterval(tick)
      this.#current = undefined
      this.#state.sent(next.delivery.outcome.sent - before)
      for (const resolve of this.#afterCurrent.splice(0)) resolve()
      this.#changed()
    }
  }

  #isAnyLeft(): boolean {
    if (!this.#line.isAnyFree) return false
    return !this.#leaveLater || this.#line.whoIsNext().next !== undefined
  }

  /** Until then, or until something changes. */
  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(ms, 0x7fffffff))
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async #attempt(one: WaitingDelivery): Promise<void> {
    one.isReported = false
    const verdict = await this.#attemptInWindow(one)
    const { stopping } = this.#options.halt
    if (one.dropped !== undefined && verdict !== 'delivered' && !stopping.aborted) {
      await this.#end(one, one.dropped)
    } else await this.#after.settle(one, verdict)
  }

  /** When the window closes, no other object is taken. */
  async #attemptInWindow(one: WaitingDelivery): Promise<Verdict> {
    const { halt, clock, destination } = this.#options
    const dropping = one.dropping.signal
    if (destination.window === undefined || !this.#line.needsWindow(one)) {
      const stopping = AbortSignal.any([halt.stopping, dropping])
      return one.delivery.attempt({ ...halt, stopping })
    }
    const closing = new AbortController()
    const now = clock()
    const ms = destination.window.daily.closesAt(now).getTime() - now.getTime()
    const timer = setTimeout(() => {
      closing.abort()
    }, ms)
    try {
      const stopping = AbortSignal.any([halt.stopping, closing.signal, dropping])
      return await one.delivery.attempt({ ...halt, stopping })
    } finally {
      clearTimeout(timer)
    }
  }
}
