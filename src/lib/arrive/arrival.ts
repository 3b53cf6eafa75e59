import type { FilterLogic, FilterResult } from '../cli/index.ts'
import {
  parseRecord,
  type AnyRecord,
  type AssociationRecord,
  type InstanceRecord,
  type MarkRecord,
  type MppsRecord,
  type ReleaseRecord,
} from '../record/index.ts'
import { arrivedWith } from './arrived.ts'
import type { Warning } from './completion-records.ts'
import { Decisions } from './decisions.ts'
import { Deliveries } from './deliveries.ts'
import { Head } from './head.ts'
import type { Keeper, Memory, Step } from './keeper.ts'
import { nameByDigest, nameOfOther } from './object-name.ts'
import { PerformedSteps, stepOf } from './performed-steps.ts'
import { restoreFrom } from './restore.ts'
import type { Arrived, Released, Study } from './study.ts'
import { Waiting, type OwnTimes, type WaitingTimes } from './waiting.ts'

export interface ArrivalOptions extends WaitingTimes {
  readonly timesOf?: OwnTimes
  /** Whether the end of the input means that nothing more will come. */
  readonly atEnd: 'flush' | 'keep'
  /** What proves that a decision has reached the next in line: see Deliveries. */
  readonly deliveredBy: 'writing' | 'marks'
  /** Monotonic, ms. */
  readonly now: () => number
  /** Wall clock, ms since 1970. */
  readonly wallClock: () => number
  /** Told of a revision with something in it that a person must know. */
  readonly onWarning?: (study: Study, warning: Warning) => void
}

/**
 * Decides when series and studies are complete. Each object is counted in exactly one revision of its
 * study: objects and decisions are steps in the keeper's log, a decision is safe before it is said,
 * and said again, word for word, as long as nobody has confirmed it.
 */
export class Arrival implements FilterLogic {
  readonly handles = ['instance', 'mpps', 'release', 'association']
  readonly timer = {
    dueAt: (): number | undefined => (this.#deliveries.toRepeat ? 0 : this.#decisions.next),
    fire: (nowMs: number): Promise<AnyRecord[]> => this.#fire(nowMs),
  }
  readonly #options: ArrivalOptions
  readonly #head: Head
  readonly #performed = new PerformedSteps()
  readonly #waiting: Waiting
  readonly #deliveries: Deliveries
  readonly #decisions: Decisions
  readonly #keeper: Keeper

  private constructor(options: ArrivalOptions, keeper: Keeper) {
    this.#options = options
    this.#keeper = keeper
    this.#head = new Head(keeper)
    this.#waiting = new Waiting(options, options.timesOf, (pause) => {
      this.#keeper.note({ step: 'paused', pause })
    })
    this.#deliveries = new Deliveries(options.deliveredBy, (upTo) => {
      this.#keeper.note({ step: 'delivered', upTo })
    })
    this.#decisions = new Decisions({
      ...{ now: options.now, wallClock: options.wallClock, onWarning: options.onWarning },
      ...{ keeper, head: this.#head, waiting: this.#waiting, performed: this.#performed },
      ...{ deliveries: this.#deliveries, memory: () => this.#memory },
    })
  }

  /** @param openKeeper gets what takes the steps of former processes, and answers with the keeper */
  static async start(
    options: ArrivalOptions,
    openKeeper: (
      restore: (keeper: Keeper, steps: AsyncIterable<Step>) => Promise<Memory>,
    ) => Promise<Keeper>,
  ): Promise<Arrival> {
    let arrival: Arrival | undefined
    const keeper = await openKeeper(async (from, steps) => {
      arrival = new Arrival(options, from)
      await restoreFrom(steps, {
        head: arrival.#head,
        deliveries: arrival.#deliveries,
        performed: arrival.#performed,
        rhythms: arrival.#waiting.rhythms,
      })
      arrival.#awaitAgain()
      return arrival.#memory
    })
    return arrival ?? new Arrival(options, keeper)
  }

  get openStudies(): number {
    return this.#head.open.size
  }

  record(record: AnyRecord): FilterResult | Promise<FilterResult> {
    if (record.type === 'mpps') {
      this.#takeStep(parseRecord(record) as MppsRecord)
      return this.#isTimeToSpeak() ? this.#speakAfter(record) : record
    }
    if (record.type === 'release') {
      this.#release(parseRecord(record) as ReleaseRecord)
      return this.#isTimeToSpeak() ? this.#speakAfter(record) : record
    }
    if (record.type === 'association') {
      this.#associationEnded(parseRecord(record) as AssociationRecord)
      return this.#isTimeToSpeak() ? this.#speakAfter(record) : record
    }
    const instance = parseRecord(record) as InstanceRecord
    const object = arrivedWith(instance)
    const study = this.#head.get(instance)
    if (study === undefined || !this.#take(study, object)) {
      return this.#takeSlowly(record, instance, study)
    }
    return this.#isTimeToSpeak() ? this.#speakAfter(record) : record
  }

  async mark(mark: MarkRecord): Promise<void> {
    this.#deliveries.mark(mark)
    await this.#keeper.commit(this.#memory)
  }

  async end(): Promise<AnyRecord[]> {
    this.#deliveries.written()
    const records = this.#deliveries.repeat()
    // What a person or a modality decided waited only for what was behind it in the pipe: nothing is.
    const decided =
      this.#options.atEnd === 'keep'
        ? await this.#decisions.allDue(this.#options.now())
        : await this.#decisions.flush()
    for (const record of decided) records.push(record)
    return records
  }

  /** After the last output was written. */
  async close(): Promise<void> {
    this.#deliveries.written()
    await this.#keeper.close()
  }

  get #memory(): Memory {
    return {
      open: this.#head.open,
      complete: this.#head.complete,
      performed: this.#performed,
      rhythms: this.#waiting.rhythms,
      decisions: this.#deliveries.pending,
      nextDecision: this.#deliveries.nextNumber,
    }
  }

  /** For a study that is not in memory, and for an object whose name another file has. */
  async #takeSlowly(
    record: AnyRecord,
    instance: InstanceRecord,
    known: Study | undefined,
  ): Promise<FilterResult> {
    const object = arrivedWith(instance)
    const study = known ?? (await this.#head.recall(instance))
    if (known !== undefined || !this.#take(study, object)) {
      const bySha256 = instance.sha256 && nameByDigest(instance.SOPInstanceUID, instance.sha256)
      const isKnown = bySha256 !== undefined && study.has({ ...object, name: bySha256 })
      const other = isKnown ? undefined : await nameOfOther(instance, study.fileOf(object))
      if (other === undefined || !this.#count(study, { ...object, name: other })) {
        this.#cameAgain(study)
      }
    }
    return this.#isTimeToSpeak() ? this.#speakAfter(record) : record
  }

  /** @returns false when another file was counted under its name: then nothing was done */
  #take(study: Study, object: Arrived): boolean {
    if (this.#count(study, object)) return true
    if (study.fileOf(object) !== object.path) return false
    this.#cameAgain(study)
    return true
  }

  /** The sender is still at it, and new objects may be behind those it repeats. */
  #cameAgain(study: Study): void {
    if (study.isOpen) study.lastAt = this.#options.now()
  }

  /** @returns false when one of its name was counted already */
  #count(study: Study, object: Arrived): boolean {
    const now = this.#options.now()
    const wasOpen = study.isOpen
    const news = study.add(object)
    if (news === undefined) return false
    if (wasOpen) this.#keeper.note({ step: 'object', object: news })
    else {
      study.openedAt = this.#options.wallClock()
      this.#keeper.note({ step: 'object', object: news, openedAt: study.openedAt })
      this.#head.place(study)
      study.firstAt = now
      study.latestAt = now + this.#waiting.maxWaitMs(study)
    }
    this.#waiting.objectCame(study, now, object.source?.association)
    study.lastAt = now
    const series = study.series.get(object.SeriesInstanceUID)
    if (series !== undefined) {
      series.lastAt = now
      if (!series.awaited) this.#decisions.awaitSeries(series)
    }
    if (!wasOpen) this.#decisions.awaitQuiet(study)
    if (this.#performed.counted(study, object)) this.#decisions.soon(study)
    return true
  }

  #takeStep(record: MppsRecord): void {
    const performed = stepOf(record, this.#options.wallClock())
    if (performed === undefined) return
    this.#performed.take(performed)
    this.#keeper.note({ step: 'performed', performed })
    for (const uid of performed.studies) {
      for (const study of this.#head.open.inAllProjects(uid)) {
        if (this.#performed.proves(study)) this.#decisions.soon(study)
      }
    }
  }

  /**
   * A person's word holds for what was there when it was given. So one that is read again after a crash says
   * nothing of objects that came after the decision it brought about.
   */
  #release({ StudyInstanceUID, project, time, releasedBy }: ReleaseRecord): void {
    for (const study of this.#head.open.inAllProjects(StudyInstanceUID)) {
      if (project !== undefined && project !== study.project) continue
      if (time !== undefined && Date.parse(time) < study.openedAt) continue
      const by: Released = {
        ...(time === undefined ? {} : { time }),
        ...(releasedBy === undefined ? {} : { by: releasedBy }),
      }
      study.released = by
      const { project: of } = study
      this.#keeper.note({ step: 'released', study: { project: of, StudyInstanceUID }, by })
      this.#decisions.soon(study)
    }
  }

  #associationEnded({ association, end }: AssociationRecord): void {
    for (const study of this.#waiting.associationEnded(association, end === 'released')) {
      this.#decisions.awaitQuiet(study)
    }
  }

  #isTimeToSpeak(): boolean {
    return this.#deliveries.toRepeat || this.#decisions.areOverdue()
  }

  async #speakAfter(record: AnyRecord): Promise<AnyRecord[]> {
    // What was decided before this object was counted comes before it: the order of the decisions holds.
    const repeated = this.#deliveries.repeat()
    return [...repeated, record, ...(await this.#decisions.due(this.#options.now()))]
  }

  async #fire(nowMs: number): Promise<AnyRecord[]> {
    this.#deliveries.written()
    return [...this.#deliveries.repeat(), ...(await this.#decisions.due(nowMs))]
  }

  /**
   * After a restart the quiet time starts anew: nobody knows what would have come meanwhile. The hard
   * cap does not, but it leaves time for what waits in the journal.
   */
  #awaitAgain(): void {
    const { now, wallClock } = this.#options
    for (const study of this.#head.open.values()) {
      const [maxWaitMs, quietMs] = [this.#waiting.maxWaitMs(study), this.#waiting.quietMs(study)]
      const waited = Math.max(0, wallClock() - study.openedAt)
      study.firstAt = now() - waited
      const left = Math.max(maxWaitMs - waited, quietMs)
      study.lastAt = now()
      study.latestAt = now() + Math.min(left, maxWaitMs)
      for (const series of study.series.values()) {
        if (series.said === series.instances) continue
        series.lastAt = now()
        this.#decisions.awaitSeries(series)
      }
      this.#decisions.awaitQuiet(study)
      const isDecided = study.released !== undefined || this.#performed.proves(study)
      if (isDecided) this.#decisions.soon(study)
    }
  }
}
