import type { Logger } from 'pino'
import type { FionaError } from '../error/index.ts'
import { backoffMs } from './backoff.ts'
import type { Delivery, Halt, Verdict } from './delivery.ts'
import type { Destination } from './destination.ts'
import type { LaneReport } from './operator/lane-report.ts'
import { LaneState } from './operator/lane-state.ts'
import { type Priority, Turns, isPriority } from './turns.ts'

interface Waiting {
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

/** Trouble with the destination, not with what is sent: it would befall every delivery alike. */
const unreachable = new Set(['E_CONNECT', 'E_TLS', 'E_ASSOCIATION_REJECTED', 'E_FOLDER'])

/** It does not let us in, or is not who it should be: no try mends that, and neither is any study to blame. */
const shutOut = new Set([
  'E_ASSOCIATION_REJECTED',
  'E_HOST_KEY',
  'E_SECRET',
  'E_SSH_LOGIN',
  'E_TLS',
  'E_WEB_NOT_ALLOWED',
])

/** Of deliveries with trouble of their own: a destination that is down for a week shall not make a report of megabytes. */
const mostReported = 1000

/** Of the one in hand. */
const progressMs = 5000

/** Clocks are set, and machines sleep: whether a window is open is looked at again. */
const windowCheckMs = 60_000

/** That of the record, else that of its project or destination. */
function priorityOf({ delivery }: Waiting): Priority {
  const { priority } = delivery.record
  return isPriority(priority) ? priority : delivery.destination.priority
}

function befallsAll({ code, retryAfterSeconds }: FionaError): boolean {
  return unreachable.has(code) || retryAfterSeconds !== undefined
}

export interface LaneOptions {
  readonly destination: Destination
  readonly log: Logger
  /** Monotonic, ms. */
  readonly now: () => number
  /** Of the wall. */
  readonly clock: () => Date
  readonly halt: Halt
  /** Nothing follows soon. */
  readonly rest: () => Promise<void>
  /** The delivery is over, delivered or not. */
  readonly ended: (key: string, delivery: Delivery) => Promise<void>
  /** Nothing can go on: the disk is full, say. */
  readonly broken: (error: unknown) => void
  /** Who is shut out waits for a person to mend that; else every delivery ends. */
  readonly waitsForPersons?: boolean
  /** A person said that it shall wait. */
  readonly isHeld?: (delivery: Delivery) => boolean
  /** What `report` says is something else now. */
  readonly changed?: () => void
  /** What a former process delivered today. */
  readonly earlier?: LaneReport['today'] | undefined
}

/**
 * The way to one destination. One study goes after the other; one that failed steps aside and comes
 * again later, so that it does not stop those behind it. A destination that cannot be reached costs
 * every waiting study one try, and is asked again only after the wait that follows.
 */
export class Lane {
  readonly #options: LaneOptions
  #waiting: Waiting[] = []
  #current: Waiting | undefined
  #running: Promise<void> | undefined
  /** Monotonic, ms: a destination that could not be reached is left alone until then. */
  #pausedUntil = 0
  #leaveLater = false
  readonly #turns = new Turns()
  /** What is told once for each time that it is closed. */
  #toldOfWindow: number | undefined
  #wake: () => void = () => undefined
  readonly #state: LaneState

  constructor(options: LaneOptions) {
    this.#options = options
    this.#state = new LaneState(options.clock, options.earlier)
  }

  get name(): string {
    return this.#options.destination.name
  }

  get size(): number {
    return this.#waiting.length + (this.#current === undefined ? 0 : 1)
  }

  /** What was not delivered when the lane was stopped. */
  get left(): readonly Delivery[] {
    return this.#waiting.map(({ delivery }) => delivery)
  }

  push(key: string, delivery: Delivery): void {
    // The same delivery, asked for again: the latest word counts.
    this.#waiting = this.#waiting.filter((one) => one.key !== key)
    this.#waiting.push({
      key,
      delivery,
      failures: 0,
      isKeptOut: true,
      awaitsReport: false,
      isReported: false,
      dropping: new AbortController(),
      dueAt: this.#pausedUntil,
    })
    this.look()
  }

  /** Something was pushed, or what was held is not any more. */
  look(): void {
    this.#changed()
    this.#wake()
    if (this.#running !== undefined || !this.#waiting.some((one) => !this.#isHeld(one))) return
    this.#running = Promise.resolve().then(() => this.#run())
    this.#running.catch(this.#options.broken)
  }

  /**
   * Tries now what waits for a later try, with all its tries before it; windows and holds stay.
   * @param requestId absent for all
   * @returns how many deliveries that were
   */
  retryNow(requestId?: string): number {
    const meant = this.#waiting.filter(
      ({ delivery, awaitsReport }) =>
        !awaitsReport && (requestId === undefined || delivery.record.requestId === requestId),
    )
    if (meant.length > 0) this.#pausedUntil = 0
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
    const isMeant = ({ delivery }: Waiting): boolean => delivery.record.requestId === requestId
    const current = this.#current
    const meant = this.#waiting.filter(isMeant)
    this.#waiting = this.#waiting.filter((one) => !isMeant(one))
    for (const one of meant) await this.#end(one, error)
    let ended = meant.length
    if (current !== undefined && isMeant(current)) {
      current.dropped = error
      current.dropping.abort()
      await new Promise<void>((resolve) => {
        this.#afterCurrent.push(resolve)
      })
      if (this.#waiting.includes(current)) return undefined
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
    const waitForNext = this.#waiting.filter((one) => !this.#isHeld(one)).map(({ dueAt }) => dueAt)
    const next = waitForNext.reduce((a, b) => Math.min(a, b), Infinity)
    const current = this.#current?.delivery
    return {
      ...this.#state.report(current),
      studies: this.size,
      ...(opens === undefined ? {} : { windowUntil: opens.toISOString() }),
      ...(Number.isFinite(next) ? { nextTryAt: at(next) } : {}),
      deliveries: this.#waiting
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

  readonly #afterCurrent: (() => void)[] = []

  #isHeld({ delivery }: Waiting): boolean {
    return this.#options.isHeld?.(delivery) ?? false
  }

  #changed(): void {
    this.#options.changed?.()
  }

  async #end(one: Waiting, dropped?: FionaError): Promise<void> {
    if (dropped !== undefined) await one.delivery.drop(dropped)
    await this.#options.ended(one.key, one.delivery)
  }

  /** A report came that a delivery may wait for. */
  reported(key: string): void {
    if (this.#current?.key === key) this.#current.isReported = true
    for (const one of this.#waiting) if (one.key === key && one.awaitsReport) one.dueAt = 0
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
    while (this.#waiting.some((one) => !this.#isHeld(one)) && !stopping.aborted) {
      const { next, wait } = this.#whoIsNext()
      if (next === undefined) {
        if (this.#leaveLater) return
        // Then it is looked at again: something may have come meanwhile.
        if (isResting) await this.#sleep(wait)
        else await rest()
        isResting = true
        continue
      }
      isResting = false
      this.#waiting = this.#waiting.filter((one) => one !== next)
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
  }

  /** @returns who goes now, or how many ms nobody does */
  #whoIsNext(): { readonly next: Waiting | undefined; readonly wait: number } {
    const { now, clock, destination, log } = this.#options
    const opens = destination.window?.daily.opensAt(clock())
    const free = this.#waiting.filter((one) => !this.#isHeld(one))
    const mayGo = free.filter((one) => opens === undefined || !this.#needsWindow(one))
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

  #needsWindow({ delivery }: Waiting): boolean {
    const { window } = this.#options.destination
    return window !== undefined && delivery.record.bytes > window.overBytes
  }

  #isAnyLeft(): boolean {
    if (!this.#waiting.some((one) => !this.#isHeld(one))) return false
    return !this.#leaveLater || this.#whoIsNext().next !== undefined
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

  async #attempt(one: Waiting): Promise<void> {
    const { ended, halt, log } = this.#options
    one.isReported = false
    const verdict = await this.#attemptInWindow(one)
    const { requestId } = one.delivery.record
    if (one.dropped !== undefined && verdict !== 'delivered' && !halt.stopping.aborted) {
      await this.#end(one, one.dropped)
      return
    }
    if (verdict === 'interrupted') {
      this.#waiting.push(one)
      return
    }
    if (verdict === 'delivered') {
      this.#state.up()
      this.#state.studyArrived()
      // It answers: whoever waited for that need not wait any longer.
      this.#pausedUntil = 0
      for (const other of this.#waiting) if (other.isKeptOut) other.dueAt = 0
      await ended(one.key, one.delivery)
      return
    }
    if ('final' in verdict && this.#options.waitsForPersons && shutOut.has(verdict.final.code)) {
      this.#waitForPersons(one, verdict.final)
      return
    }
    if ('final' in verdict) {
      this.#state.failed(verdict.final, false)
      log.warn(
        { request: requestId, code: verdict.final.code },
        `${whatIsOpen(verdict.final)}, and no try will help`,
      )
      await ended(one.key, one.delivery)
      return
    }
    if ('awaits' in verdict) {
      this.#state.up()
      delete one.error
      one.dueAt = one.isReported ? 0 : verdict.awaits
      one.isKeptOut = false
      one.awaitsReport = true
      this.#waiting.push(one)
      return
    }
    const { retry, progressed } = verdict
    one.failures = progressed ? 1 : one.failures + 1
    this.#state.failed(retry, befallsAll(retry))
    const later = await this.#comesAgain(one, retry)
    if (!befallsAll(retry)) return
    this.#pausedUntil = later
    for (const other of this.#waiting.splice(0)) {
      if (other === one || other.awaitsReport) this.#waiting.push(other)
      else {
        other.delivery.skip(retry)
        other.failures++
        await this.#comesAgain(other, retry, later)
      }
    }
  }

  /** When the window closes, no other object is taken. */
  async #attemptInWindow(one: Waiting): Promise<Verdict> {
    const { halt, clock, destination } = this.#options
    const dropping = one.dropping.signal
    if (destination.window === undefined || !this.#needsWindow(one)) {
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

  /** One of them, another each time, is tried after the longest wait: the way may have been mended. */
  #waitForPersons(one: Waiting, error: FionaError): void {
    const { destination, log, now } = this.#options
    const inSeconds = destination.retry.maxDelaySeconds
    this.#state.failed(error, true)
    this.#waiting.push(one)
    this.#pausedUntil = now() + inSeconds * 1000
    for (const other of this.#waiting) {
      if (other.awaitsReport) continue
      other.dueAt = this.#pausedUntil
      other.error = error
      other.isKeptOut = true
    }
    const deliveries = this.#waiting.length
    log.error(
      { code: error.code, deliveries, inSeconds },
      `shut out, everything waits: ${error.message}; when that is mended, fiona-send retry ${destination.name}`,
    )
  }

  /** @returns when, or when it would have been if it had not been the last try */
  async #comesAgain(one: Waiting, error: FionaError, notBefore = 0): Promise<number> {
    const { destination, log, now, ended } = this.#options
    const { retry } = destination
    const request = one.delivery.record.requestId
    const told = (error.retryAfterSeconds ?? 0) * 1000
    const waitMs = Math.max(backoffMs(retry, one.failures, Math.random()), told)
    const dueAt = Math.max(now() + waitMs, notBefore)
    if (one.failures > retry.max) {
      log.error(
        { request, code: error.code, tries: one.failures },
        `${whatIsOpen(error)}: given up`,
      )
      await ended(one.key, one.delivery)
      return dueAt
    }
    const seconds = Math.round(waitMs / 100) / 10
    log.warn(
      { request, code: error.code, inSeconds: seconds },
      `${whatIsOpen(error)} yet: ${error.message}`,
    )
    one.dueAt = dueAt
    one.error = error
    one.isKeptOut = befallsAll(error)
    one.awaitsReport = false
    this.#waiting.push(one)
    return dueAt
  }
}

/** The objects are there, and what is asked for beyond that is not. */
const afterDelivery = new Set(['E_NOT_VERIFIED', 'E_NOT_COMMITTED', 'E_NO_REPORT'])

function whatIsOpen({ code }: FionaError): string {
  return afterDelivery.has(code) ? 'not verified' : 'not delivered'
}
