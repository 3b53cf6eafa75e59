import type { Logger } from 'pino'
import type { FionaError } from '../../error/index.ts'
import type { Delivery, Verdict } from '../delivery.ts'
import type { Destination } from '../destination.ts'
import type { LaneState } from '../operator/lane-state.ts'
import { backoffMs } from './backoff.ts'
import {
  befallsAll,
  isOwnTrouble,
  isShutOut,
  waitsForAPerson,
  whatIsOpen,
} from './kinds-of-trouble.ts'
import type { WaitingDelivery } from './waiting-delivery.ts'
import type { WaitingLine } from './waiting-line.ts'

export interface AfterATryOptions {
  readonly destination: Destination
  readonly log: Logger
  /** Monotonic, ms. */
  readonly now: () => number
  /** The delivery is over, delivered or not. */
  readonly ended: (key: string, delivery: Delivery) => Promise<void>
  /** Who is shut out waits for a person to mend that; else every delivery ends. */
  readonly waitsForPersons?: boolean
}

/**
 * What follows a try: the delivery is over, or steps aside and comes again later. A destination that cannot be reached
 * costs every waiting study one try, and is asked again only after the wait that follows.
 */
export class AfterATry {
  readonly #options: AfterATryOptions
  readonly #line: WaitingLine
  readonly #state: LaneState
  /** Monotonic, ms: a destination that could not be reached is left alone until then. */
  pausedUntil = 0

  constructor(options: AfterATryOptions, line: WaitingLine, state: LaneState) {
    this.#options = options
    this.#line = line
    this.#state = state
  }

  async settle(one: WaitingDelivery, verdict: Verdict): Promise<void> {
    if (verdict === 'interrupted') this.#line.putBack(one)
    else if (verdict === 'delivered') await this.#delivered(one)
    else if ('final' in verdict) await this.#gaveUp(one, verdict.final)
    else if ('awaits' in verdict) this.#awaitsReport(one, verdict.awaits)
    else {
      one.failures = verdict.progressed ? 1 : one.failures + 1
      await this.#failed(one, verdict.retry)
    }
  }

  async #delivered(one: WaitingDelivery): Promise<void> {
    this.#state.up()
    // It answers: whoever waited for that need not wait any longer.
    this.pausedUntil = 0
    for (const other of this.#line.all) if (other.isKeptOut) other.dueAt = 0
    await this.#options.ended(one.key, one.delivery)
  }

  async #gaveUp(one: WaitingDelivery, error: FionaError): Promise<void> {
    const { waitsForPersons = false, log, ended } = this.#options
    if (waitsForPersons && isShutOut(error)) {
      this.#waitForPersons(one, error)
      return
    }
    if (waitsForPersons && isOwnTrouble(error)) {
      this.#waitAlone(one, error)
      return
    }
    const request = one.delivery.record.requestId
    const { code, hint } = error
    if (isOwnTrouble(error)) {
      this.#state.troubled(error)
      log.error({ request, code, hint }, `refused, and nothing was tried: ${error.message}`)
    } else {
      this.#state.failed(error, false)
      log.warn({ request, code }, `${whatIsOpen(error)}, and no try will help`)
    }
    await ended(one.key, one.delivery)
  }

  #awaitsReport(one: WaitingDelivery, until: number): void {
    this.#state.up()
    delete one.error
    one.dueAt = one.isReported ? 0 : until
    one.isKeptOut = false
    one.awaitsReport = true
    this.#line.putBack(one)
  }

  async #failed(one: WaitingDelivery, error: FionaError): Promise<void> {
    this.#state.failed(error, befallsAll(error))
    this.#line.putBack(one)
    const { log, now } = this.#options
    const { requestId: request } = one.delivery.record
    const later = await this.#comesAgain(one, error)
    const inSeconds = Math.round((later - now()) / 100) / 10
    if (this.#line.has(one)) {
      const about = { request, code: error.code, inSeconds }
      log.warn(about, `${whatIsOpen(error)} yet: ${error.message}`)
    }
    if (!befallsAll(error)) return
    this.pausedUntil = later
    let others = 0
    for (const other of this.#line.all) {
      if (other === one || other.awaitsReport) continue
      other.delivery.skip(error)
      other.failures++
      await this.#comesAgain(other, error, later)
      if (this.#line.has(other)) others++
    }
    // One line for all: of ten thousand that wait for a destination that is down, each would say the same.
    if (others > 0) {
      log.warn({ code: error.code, deliveries: others, inSeconds }, 'nor any other that waits')
    }
  }

  /** One of them, another each time, is tried after the longest wait: the way may have been mended. */
  #waitForPersons(one: WaitingDelivery, error: FionaError): void {
    const { destination, log, now } = this.#options
    const inSeconds = destination.retry.maxDelaySeconds
    this.#state.failed(error, true)
    this.#line.putBack(one)
    this.pausedUntil = now() + inSeconds * 1000
    for (const other of this.#line.all) {
      if (other.awaitsReport) continue
      other.dueAt = this.pausedUntil
      other.error = error
      other.isKeptOut = true
    }
    const deliveries = this.#line.size
    log.error(
      { code: error.code, deliveries, inSeconds },
      `shut out, everything waits: ${error.message}; when that is mended, fiona-send retry ${destination.name}`,
    )
  }

  /** Only this one: the destination has nothing to do with it, and was not asked. */
  #waitAlone(one: WaitingDelivery, error: FionaError): void {
    const { destination, log, now } = this.#options
    const { requestId: request } = one.delivery.record
    const inSeconds = destination.retry.maxDelaySeconds
    this.#state.troubled(error)
    one.dueAt = now() + inSeconds * 1000
    one.error = error
    one.isKeptOut = false
    one.awaitsReport = false
    this.#line.putBack(one)
    const { why, next } = waitsForAPerson(error)
    log.error({ request, code: error.code, inSeconds, hint: next }, why)
  }

  /**
   * Of one in the line: a later try, or the end of it.
   * @returns when, or when it would have been if it had not been the last try
   */
  async #comesAgain(one: WaitingDelivery, error: FionaError, notBefore = 0): Promise<number> {
    const { destination, log, now, ended } = this.#options
    const { retry } = destination
    const request = one.delivery.record.requestId
    const told = (error.retryAfterSeconds ?? 0) * 1000
    const waitMs = Math.max(backoffMs(retry, one.failures, Math.random()), told)
    const dueAt = Math.max(now() + waitMs, notBefore)
    if (one.failures > retry.max) {
      const about = { request, code: error.code, tries: one.failures }
      log.error(about, `${whatIsOpen(error)}: given up`)
      this.#line.remove(one)
      await ended(one.key, one.delivery)
      return dueAt
    }
    one.dueAt = dueAt
    one.error = error
    one.isKeptOut = befallsAll(error)
    one.awaitsReport = false
    return dueAt
  }
}
