import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { ExitCode, FionaError } from '../error/index.ts'
import type { RecordSink } from '../intake/index.ts'
import { errorRecord } from '../record/index.ts'
import type { ArchiveExamination } from './examine-archive.ts'
import { Outcome } from './outcome.ts'
import type { ReferenceList } from './reference-list.ts'
import {
  type Origin,
  type PeerAddress,
  reportOnNewAssociation,
  reportOnSameAssociation,
} from './report.ts'
import { FailureReason } from '../transaction/index.ts'
import { Turns } from './turns.ts'
import type { WaitingRequest, WaitingRequests } from './waiting-requests.ts'

/** When a peer does not take its report. */
export interface Patience {
  readonly firstPauseMs: number
  readonly longestPauseMs: number
  /** Since the request came; then the report is given up. */
  readonly giveUpMs: number
}

const usualPatience: Patience = {
  firstPauseMs: 5_000,
  longestPauseMs: 3_600_000,
  giveUpMs: 24 * 3_600_000,
}

/** Objects of another association, or of the queue behind it, have so long to be stored. */
const onTheirWayMs = 2_000

export interface ReportingOptions {
  readonly requests: WaitingRequests
  readonly examination: ArchiveExamination
  readonly addressOf: (request: WaitingRequest) => PeerAddress
  readonly sink: RecordSink
  readonly log: Logger
  readonly patience?: Patience
}

interface Course {
  readonly request: WaitingRequest
  origin: Origin | undefined
  /** It was asked once more since the last try began. */
  isAskedAgain: boolean
  /** Ends the pause it is in. */
  wake: () => void
}

/**
 * Takes each waiting request to its end: looks at the archive, reports what it found, and tries again
 * with pauses that grow. The archive is looked at anew for each try: what came in between counts, and what
 * is no longer there, too.
 */
export class Reporting {
  readonly #options: ReportingOptions
  readonly #patience: Patience
  readonly #courses = new Map<string, Course>()
  readonly #running = new Set<Promise<void>>()
  /** A peer gets one association of ours at a time; no other waits for one that does not answer. */
  readonly #lanes = new Map<string, Turns>()
  readonly #stop = new AbortController()

  constructor(options: ReportingOptions) {
    this.#options = options
    this.#patience = options.patience ?? usualPatience
  }

  /**
   * Begins, or goes on at once where it was waiting for another try.
   * @param origin the association that the request came by; undefined for requests of an earlier run
   */
  begin(request: WaitingRequest, origin?: Origin): void {
    const known = this.#courses.get(request.name)
    if (known !== undefined) {
      known.origin = origin ?? known.origin
      known.isAskedAgain = true
      known.wake()
      return
    }
    const course: Course = { request, origin, isAskedAgain: false, wake: () => undefined }
    this.#courses.set(request.name, course)
    const run = this.#run(course)
      .catch((error: unknown) => {
        this.#options.log.error({ err: error }, 'internal error in storage commitment')
      })
      .finally(() => {
        this.#courses.delete(request.name)
        this.#running.delete(run)
      })
    this.#running.add(run)
  }

  /** Gives up what is under way; it is still on disk. */
  async close(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#running)
  }

  async #run(course: Course): Promise<void> {
    const { request } = course
    const { requests } = this.#options
    for (let failures = 1; ; failures++) {
      try {
        await this.#try(course)
        if (!course.isAskedAgain) break
      } catch (error) {
        if (this.#stop.signal.aborted) return
        if (this.#isHopeless(request, error)) {
          if (!(await this.#giveUp(request, error))) return
          break
        }
        await this.#pause(course, failures, error)
        if (this.#stop.signal.aborted) return
      }
    }
    await requests.remove(request)
  }

  async #inLane(request: WaitingRequest, work: () => Promise<void>): Promise<void> {
    const key = `${request.callingAET}@${request.address}`
    const lane = this.#lanes.get(key) ?? new Turns()
    this.#lanes.set(key, lane)
    try {
      await lane.take(work)
    } finally {
      if (lane.isFree) this.#lanes.delete(key)
    }
  }

  async #try(course: Course): Promise<void> {
    const { request } = course
    course.isAskedAgain = false
    this.#stop.signal.throwIfAborted()
    const references = await this.#options.requests.references(request)
    if (references === undefined) return
    const outcome = request.isDuplicate
      ? new Outcome(references, FailureReason.duplicateTransactionUID)
      : await this.#examine(course, references)
    await this.#report(course, outcome)
    const { failures } = outcome
    const failed = [...failures.values()].reduce((sum, count) => sum + count, 0)
    const facts = { ...logged(request), failed, reasons: named(failures) }
    const level = failed === 0 ? 'info' : 'warn'
    this.#options.log[level](facts, 'storage commitment reported')
  }

  async #examine({ request, origin }: Course, references: ReferenceList): Promise<Outcome> {
    const { callingAET, calledAET, address, project, time } = request
    const from = { source: { callingAET, calledAET, address }, project }
    const examined = this.#options.examination.examine(references, from, {
      patienceMs: Date.parse(time) + onTheirWayMs - Date.now(),
      signal: this.#stop.signal,
    })
    // Its association is kept for the report, however long this takes.
    origin?.wayBack.owe(examined.then(noMatter, noMatter))
    return examined
  }

  async #report({ request, origin }: Course, outcome: Outcome): Promise<void> {
    const { log, addressOf } = this.#options
    const { signal } = this.#stop
    if (origin?.wayBack.isOpen === true) {
      try {
        await reportOnSameAssociation(request, outcome, origin, signal)
        return
      } catch (error) {
        if (signal.aborted) throw error
        const reason = (error as Error).message
        log.info({ ...logged(request), reason }, 'not reported on its association; opening one')
      }
    }
    await this.#inLane(request, async () => {
      signal.throwIfAborted()
      await reportOnNewAssociation(request, outcome, addressOf(request), signal)
    })
  }

  async #pause(course: Course, failures: number, error: unknown): Promise<void> {
    const { firstPauseMs, longestPauseMs } = this.#patience
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1))
    const { log } = this.#options
    const facts = { ...logged(course.request), ...why(error), againInSeconds: pauseMs / 1000 }
    log.warn(facts, 'storage commitment not reported yet')
    const wake = new AbortController()
    course.wake = () => {
      wake.abort()
    }
    const signal = AbortSignal.any([wake.signal, this.#stop.signal])
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
  }

  #isHopeless(request: WaitingRequest, error: unknown): boolean {
    if (error instanceof FionaError && error.code === 'E_COMMITMENT_DAMAGED') return true
    return Date.now() - Date.parse(request.time) >= this.#patience.giveUpMs
  }

  /** @returns whether somebody was told */
  async #giveUp(request: WaitingRequest, error: unknown): Promise<boolean> {
    const { log, sink } = this.#options
    const { TransactionUID, callingAET, calledAET, address, instances, time } = request
    const about = { TransactionUID, callingAET, calledAET, address, instances, time }
    const damaged = error instanceof FionaError && error.code === 'E_COMMITMENT_DAMAGED'
    const told = damaged ? error : unreported(request, error)
    log.error({ ...logged(request), ...why(told) }, 'storage commitment given up')
    try {
      await sink.put(errorRecord('fiona-scp', told, { type: 'commitment', ...about }))
      return true
    } catch {
      // Whoever takes the records is gone; it will be told of after the next start.
      return false
    }
  }
}

const noMatter = (): void => undefined

function named(
  failures: ReadonlyMap<FailureReason, number>,
): Readonly<Record<string, number>> | undefined {
  if (failures.size === 0) return undefined
  return Object.fromEntries(
    [...failures].map(([reason, count]) => [`0x${reason.toString(16).padStart(4, '0')}`, count]),
  )
}

function unreported(request: WaitingRequest, cause: unknown): FionaError {
  const { callingAET, address } = request
  const { reason } = why(cause)
  return new FionaError(
    'E_COMMITMENT_UNREPORTED',
    `${callingAET}@${address} did not take its report of storage commitment in time: ${reason}`,
    {
      hint: 'tell where it listens with receiver.peers, then have the peer ask again; no object is lost',
      exitCode: ExitCode.unavailable,
      cause,
    },
  )
}

function why(error: unknown): { readonly code?: string; readonly reason: string } {
  if (error instanceof FionaError) {
    const { code, message, hint } = error
    return { code, reason: hint === undefined ? message : `${message}; ${hint}` }
  }
  return { reason: error instanceof Error ? error.message : String(error) }
}

function logged({ TransactionUID, callingAET, address, instances }: WaitingRequest) {
  return { transaction: TransactionUID, callingAET, address, instances }
}
