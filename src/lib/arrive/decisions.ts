import type { AnyRecord } from '../record/index.ts'
import { seriesRecord, studyRecord, warningsOf, type Reason } from './completion-records.ts'
import type { Warning } from './completion-records.ts'
import { Deadlines } from './deadlines.ts'
import type { Deliveries } from './deliveries.ts'
import type { Head } from './head.ts'
import type { Keeper, Memory } from './keeper.ts'
import type { PerformedSteps } from './performed-steps.ts'
import { Study, type Series } from './study.ts'
import type { Waiting } from './waiting.ts'

/**
 * How long overdue decisions let objects go first under a load that never pauses. What waits in the
 * pipe may belong to the very study that seems quiet.
 */
const patienceMs = 1000

/** Records of one portion: a site full of studies that are due at one moment is no reason for a giant one. */
const mostAtOnce = 500

interface Surroundings {
  /** Monotonic, ms. */
  readonly now: () => number
  /** Wall clock, ms since 1970. */
  readonly wallClock: () => number
  readonly onWarning?: ((study: Study, warning: Warning) => void) | undefined
  readonly keeper: Keeper
  readonly head: Head
  readonly waiting: Waiting
  readonly performed: PerformedSteps
  readonly deliveries: Deliveries
  /** What the keeper is to keep. */
  readonly memory: () => Memory
}

/** When each open study and series is to be looked at again, and what is decided then: a decision is a step of the log. */
export class Decisions {
  readonly #around: Surroundings
  readonly #deadlines = new Deadlines<Study | Series>()
  /** Open studies whose last missing object came, or whose steps ended behind it. */
  readonly #proven = new WeakSet<Study>()
  #overdueSince: number | undefined

  constructor(around: Surroundings) {
    this.#around = around
  }

  /** When something is to be looked at: monotonic, ms. */
  get next(): number | undefined {
    return this.#deadlines.next
  }

  awaitQuiet(study: Study): void {
    this.#deadlines.push(this.#around.waiting.dueAt(study), study)
  }

  awaitSeries(series: Series): void {
    series.awaited = true
    this.#deadlines.push(series.lastAt + this.#around.waiting.quietMs(series.study), series)
  }

  /** As soon as nothing more waits in the pipe: it may belong to the study, too. */
  soon(study: Study): void {
    this.#proven.add(study)
    this.#deadlines.push(this.#around.now(), study)
  }

  /** Under constant load the timer never gets its turn between two chunks of input. */
  areOverdue(): boolean {
    const now = this.#around.now()
    const { next } = this
    if (next === undefined || next > now) {
      this.#overdueSince = undefined
      return false
    }
    this.#overdueSince ??= now
    return now - this.#overdueSince >= patienceMs
  }

  /** What is due, at most a portion of it; safe when it is answered. */
  async due(nowMs: number): Promise<AnyRecord[]> {
    const records: AnyRecord[] = []
    while (records.length < mostAtOnce) {
      const due = this.#deadlines.takeDue(nowMs)
      if (due === undefined) {
        this.#overdueSince = undefined
        break
      }
      const said = due instanceof Study ? this.#look(due, nowMs) : this.#lookAtSeries(due, nowMs)
      if (said !== undefined) for (const record of await said) records.push(record)
    }
    if (records.length > 0) await this.#around.keeper.commit(this.#around.memory())
    return records
  }

  async allDue(nowMs: number): Promise<AnyRecord[]> {
    const records: AnyRecord[] = []
    while (true) {
      const some = await this.due(nowMs)
      if (some.length === 0) return records
      for (const record of some) records.push(record)
    }
  }

  /** Nothing more will come: all that is open is complete as it is. Safe when it is answered. */
  async flush(): Promise<AnyRecord[]> {
    const { head, keeper, memory } = this.#around
    const records: AnyRecord[] = []
    for (const study of [...head.open.values()]) {
      for (const record of await this.#decide(study, 'flush')) records.push(record)
    }
    this.#deadlines.clear()
    await keeper.commit(memory())
    return records
  }

  #look(study: Study, nowMs: number): Promise<AnyRecord[]> | undefined {
    if (!study.isOpen) return undefined
    const { waiting, performed } = this.#around
    const dueAt = waiting.dueAt(study)
    const isReleased = study.released !== undefined
    const isProven = this.#proven.has(study) && performed.proves(study)
    if (dueAt > nowMs && !isProven && !isReleased) {
      this.#deadlines.push(dueAt, study)
      return undefined
    }
    const isQuiet = study.lastAt + waiting.quietMs(study) <= nowMs
    return this.#decide(
      study,
      isReleased ? 'released' : isProven ? 'mpps' : isQuiet ? 'quiet' : 'maxWait',
    )
  }

  #lookAtSeries(series: Series, nowMs: number): Promise<AnyRecord[]> | undefined {
    series.awaited = false
    if (series.said === series.instances) return undefined
    if (series.lastAt + this.#around.waiting.quietMs(series.study) <= nowMs) {
      return this.#decideSeries(series)
    }
    this.awaitSeries(series)
    return undefined
  }

  async #decideSeries(series: Series): Promise<AnyRecord[]> {
    const records = [await seriesRecord(series.study, series, 'quiet', this.#time())]
    series.said = series.instances
    return this.#decided(records)
  }

  async #decide(study: Study, reason: Reason): Promise<AnyRecord[]> {
    const { head, onWarning, performed, waiting } = this.#around
    const time = this.#time()
    const records: AnyRecord[] = []
    for (const series of study.series.values()) {
      if (series.said < series.instances) {
        records.push(await seriesRecord(study, series, reason, time))
      }
    }
    records.push(await studyRecord(study, reason, this.#evidence(study), time))
    for (const warning of warningsOf(study)) onWarning?.(study, warning)
    waiting.decided(study)
    study.close()
    this.#proven.delete(study)
    performed.decided(study)
    head.place(study)
    return this.#decided(records)
  }

  #decided(records: AnyRecord[]): AnyRecord[] {
    const { deliveries, keeper } = this.#around
    keeper.note({ step: 'decision', decision: deliveries.decided(records) })
    return records
  }

  /** What the decision rests on: how long nothing came, how long objects came in all, what modalities said. */
  #evidence(study: Study): Record<string, unknown> {
    const { now, performed, waiting } = this.#around
    const { released } = study
    const seconds = (ms: number): number => Math.max(0, Math.round(ms) / 1000)
    return {
      ...waiting.evidence(study),
      sinceLastObjectSeconds: seconds(now() - study.lastAt),
      sinceFirstObjectSeconds: seconds(now() - study.firstAt),
      ...performed.evidence(study),
      ...(released === undefined ? {} : { released }),
    }
  }

  #time(): string {
    return new Date(this.#around.wallClock()).toISOString()
  }
}
