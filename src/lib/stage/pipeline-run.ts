import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { JournalChunk } from '../journal/index.ts'
import { Change } from './change.ts'
import { Commits, type CommitContext } from './commits.ts'
import { eachLine, firstLines } from './chunk-lines.ts'
import { FloodGauge, distrusted } from './flood-gauge.ts'
import { JournalFeed } from './journal-feed.ts'
import type { Runaway, StageLimits } from './limits.ts'
import { MarkedInput } from './marked-input.ts'
import type { Ending } from './pipeline.ts'
import { ReadingRest } from './reading-rest.ts'
import { OutputSorter, type Piece, type SortRules } from './sort-output.ts'
import { Watchdog } from './watchdog.ts'
import type { Workers } from './workers.ts'

/** Fed and not committed: at most so much, and one chunk more. It is what a failure makes to be done again. */
export const maxInFlight = { lines: 10_000, bytes: 16 * 1024 * 1024 }
/** Output waits so long, or until so much has come, for the mark behind it; then it is appended without. */
const holdMs = 1000
const maxHeldBytes = 8 * 1024 * 1024
/** How long a new pipeline may take to start and pass on a first mark, before it is fed. */
const proofMs = 5000
/** Where it was fed without that proof, it is drained when nothing has moved for so long. */
const unprovenMs = 1000
/** One that passes marks is asked again after this (and twice this, …), because a part of it may have died; */
const firstProbeMs = 1000
/** and drained when nothing has moved for so long. */
const stalledMs = 60_000
/** Told to drain, one that has not moved for so long is not waited for before its input is closed. */
const stillMs = 3000
/**
 * Whoever stands still within a line holds the rest of it back in a buffer, and the last mark with it: no
 * waiting brings that, only the end of the input.
 */
const heldBackMs = 200
/** Where marks do not come back, a pause in the input of this length ends a batch. */
const batchPauseMs = 20
const watchMs = 100

export interface RunContext extends CommitContext {
  readonly sort: SortRules
  readonly start: () => Workers
  readonly log: Logger
  /** Stop feeding, drain, commit. */
  readonly signal: AbortSignal
  readonly limits: StageLimits
  /** How long draining may take after `signal`, and how long a pipeline may do nothing after the end of its input. */
  readonly drainMs: number
  /** Called with the number of lines that a commit brought. */
  readonly onCommitted: (lines: number) => void
}

export interface RunPlan {
  /** Drain at the end of the journal in place of waiting for more. */
  readonly once: boolean
  /** At most so many lines, with a mark behind each, then drain: to find the one that kills. */
  readonly limit: number | undefined
  /** It flooded before: nothing it prints is appended before there is a mark behind it. */
  readonly isDistrusted: boolean
}

export type RunEnd =
  /** Everything that was fed is committed; `reachedEnd`: there was no more in the journal. */
  | { readonly kind: 'drained'; readonly reachedEnd: boolean }
  | {
      readonly kind: 'failed'
      readonly ending: Ending
      readonly inFlight: number
      /** It was ended because it would not have ended by itself. */
      readonly runaway: Runaway | undefined
    }

/**
 * One life of the pipeline: feeds it, marks what was fed, collects what comes out, and commits with each
 * mark that returns. Backpressure throughout: the feeder waits for the pipeline to take and for the
 * commits to follow, the collector for the journals.
 *
 * A pipeline in which some filter drops marks, or holds them back in its output buffer, works, too: what
 * is fed is then done when the pipeline has ended well after the end of its input. A first mark, before
 * any record, shows which kind it is. Where it does not return, each batch (what there is until the input
 * pauses) gets a pipeline of its own.
 */
export class PipelineRun {
  #context: RunContext
  #plan: RunPlan
  #pipeline: Workers
  #input: MarkedInput
  /** One for the output of each worker. */
  #sorters: readonly OutputSorter[]
  #commits: Commits
  #change = new Change()
  /** Aborted when no more shall be fed: told to stop, to be drained, or the pipeline is gone. */
  #stopFeeding = new AbortController()
  #isStuck = false
  #isGone = false
  #isClosing = false
  #reachedEnd = false
  /** Resolves when the pipeline has taken the last chunk. */
  #taking: Promise<void> = Promise.resolve()
  #movedAt = performance.now()
  #printedAt = performance.now()
  #watchdog: Watchdog
  /** Why it was ended by us, in words. */
  #endedFor: string | undefined
  #runaway: Runaway | undefined
  #flood: FloodGauge
  /** So many outputs are not read now, because the journals do not take them yet. */
  #held = 0
  /** When a tool of ours in the pipeline was heard to give up. */
  #spokeAt: number | undefined
  #probeMs = firstProbeMs
  #trouble: { error: unknown } | undefined
  #laterMark: NodeJS.Timeout | undefined

  constructor(context: RunContext, plan: RunPlan) {
    this.#context = context
    this.#plan = plan
    this.#flood = new FloodGauge(plan.isDistrusted ? distrusted(context.limits) : context.limits)
    this.#commits = new Commits(context, {
      committed: (lines, ms) => {
        this.#input.commitTook(ms)
        context.onCommitted(lines)
        this.#change.notify()
      },
      settled: (appended) => {
        this.#settled(appended)
      },
      failed: (error) => {
        this.#fail(error)
      },
    })
    this.#pipeline = context.start()
    this.#watchdog = new Watchdog(this.#pipeline.groups, context.drainMs, context.limits)
    this.#sorters = this.#pipeline.outputs.map(() => new OutputSorter(context.sort))
    this.#input = new MarkedInput(this.#pipeline, context.progress, (marks) => {
      context.log.warn({ marks }, 'marks in the journal are left out')
    })
  }

  /** @throws whatever keeps the stage from committing: a full disk, a lost lease */
  async run(): Promise<RunEnd> {
    const { signal, progress, outlets, drainMs } = this.#context
    const watch = setInterval(() => {
      this.#watch()
    }, watchMs)
    let overdue: NodeJS.Timeout | undefined
    const stop = (): void => {
      this.#stopFeeding.abort()
      overdue = setTimeout(() => {
        this.#pipeline.kill()
      }, drainMs)
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    try {
      const collecting = this.#pipeline.outputs.map((output, worker) =>
        this.#collect(output, worker),
      )
      const work = [this.#feed(), ...collecting].map((activity) =>
        activity.catch((error: unknown) => {
          this.#fail(error)
        }),
      )
      const ending = await this.#pipeline.ended
      // Before the feeder hears of it, who closes the input of a pipeline that is gone as well.
      const hadClosed = this.#isClosing
      this.#isGone = true
      this.#stopFeeding.abort()
      this.#change.notify()
      await Promise.all(work)
      const isDone = ending.isClean && hadClosed
      if (isDone) {
        if (this.#input.outstanding > 0) progress.passesMarks ??= false
        this.#sorters.forEach((sorter, worker) => {
          for (const piece of sorter.end()) this.#take(piece, worker)
        })
        this.#commits.due(this.#input.end)
      }
      this.#commits.soon()
      await this.#commits.untilIdle()
      outlets.dropUnsealed()
      if (this.#trouble !== undefined) throw this.#trouble.error
      if (isDone) return { kind: 'drained', reachedEnd: this.#reachedEnd }
      const how = this.#howOf(ending)
      const { inFlight } = this
      return { kind: 'failed', ending: { ...ending, how }, inFlight, runaway: this.#runaway }
    } finally {
      clearInterval(watch)
      clearTimeout(this.#laterMark)
      clearTimeout(overdue)
      signal.removeEventListener('abort', stop)
      this.#pipeline.kill()
    }
  }

  /** Lines that it was given and that are not committed. */
  get inFlight(): number {
    return this.#input.fed.lines - this.#commits.committed.lines
  }

  #howOf({ isClean, how }: Ending): string {
    if (this.#endedFor !== undefined) return this.#endedFor
    return isClean ? 'it ended before its input did' : how
  }

  /** What cannot be read or committed ends the run: the pipeline is stopped, and `run` throws. */
  #fail(error: unknown): void {
    this.#trouble ??= { error }
    this.#pipeline.kill()
  }

  async #feed(): Promise<void> {
    await this.#proveMarks()
    // Nothing but a mark: a pipeline that fails at that has no record to blame.
    if (this.#plan.limit === 0) void this.#input.mark()
    else {
      await this.#feedJournal()
      await this.#taking
    }
    await this.#untilQuiet()
    this.#isClosing = true
    this.#pipeline.end()
  }

  /** Sends the first mark, and waits for it when it is not known whether this pipeline passes marks on. */
  async #proveMarks(): Promise<void> {
    const { progress } = this.#context
    if (progress.passesMarks === true || this.#plan.limit !== undefined || this.#plan.once) return
    void this.#input.mark()
    const giveUpAt = performance.now() + proofMs
    while (progress.passesMarks === undefined && !this.#stopFeeding.signal.aborted) {
      if (performance.now() > giveUpAt) progress.passesMarks = false
      else await this.#change.wait(watchMs)
    }
  }

  async #feedJournal(): Promise<void> {
    const { from, progress } = this.#context
    const { limit, once } = this.#plan
    const stop = this.#stopFeeding.signal
    const follow = !once && limit === undefined
    const feed = new JournalFeed(from, { cursor: progress.cursor.whole(), follow, stop })
    try {
      for (;;) {
        // Where marks do not come back, the end of the input stands for the mark: a pause ends the batch.
        const isBatch = progress.passesMarks === false && this.#input.fed.lines > 0
        const chunk = await feed.next(isBatch ? batchPauseMs : undefined)
        if (chunk === 'pause' || stop.aborted) return
        if (chunk === 'end') {
          this.#reachedEnd = limit === undefined
          return
        }
        if (limit === undefined) await this.#put(chunk)
        else await this.#putOneByOne(firstLines(chunk, limit - this.#input.fed.lines))
        if (limit !== undefined && this.#input.fed.lines >= limit) return
        while (!stop.aborted && this.#isFull) {
          if (progress.passesMarks === false) return
          await this.#change.wait(watchMs)
        }
      }
    } finally {
      await feed.close()
    }
  }

  async #put(chunk: JournalChunk): Promise<void> {
    const taken = this.#input.write(chunk)
    this.#input.wantMark()
    this.#mark()
    // The next one is read while this one is being taken: else a fast pipeline would wait for the disk each time.
    await this.#taking
    this.#taking = taken.then(() => {
      this.#moved()
    })
  }

  /** With a mark behind each line, so that what a dying pipeline had done is known exactly. */
  async #putOneByOne(chunk: JournalChunk): Promise<void> {
    for (const line of eachLine(chunk)) {
      if (this.#isGone) return
      void this.#input.write(line)
      await this.#input.mark()
    }
    this.#moved()
  }

  get #isFull(): boolean {
    const { lines, bytes } = this.#commits.committed
    return (
      this.#input.fed.lines - lines >= maxInFlight.lines ||
      this.#input.fed.bytes - bytes >= maxInFlight.bytes
    )
  }

  /**
   * Before the input is closed, whatever keeps state by marks shall know that all it said was committed:
   * else it would say it again in its next life.
   */
  async #untilQuiet(): Promise<void> {
    const { progress, drainMs } = this.#context
    if (this.#plan.limit !== undefined || this.#isStuck) return
    const giveUpAt = performance.now() + drainMs / 2
    while (!this.#isQuiet && progress.passesMarks !== false && !this.#isGone) {
      const now = performance.now()
      const patienceMs = progress.passesMarks === true ? stillMs : unprovenMs
      if (now > giveUpAt || now - this.#movedAt > patienceMs) return
      if (this.#isWithinLine && now - Math.max(this.#movedAt, this.#printedAt) > heldBackMs) return
      await this.#change.wait(watchMs)
    }
  }

  get #isWithinLine(): boolean {
    return this.#sorters.some(({ isWithinLine }) => isWithinLine)
  }

  get #isQuiet(): boolean {
    return (
      this.#input.outstanding === 0 &&
      !this.#input.wantsMark &&
      this.#commits.isIdle &&
      this.#context.outlets.isEmpty
    )
  }

  #mark(): void {
    if (this.#isClosing || this.#plan.limit !== undefined) return
    const waitMs = this.#input.markIfWanted()
    if (waitMs === undefined) return
    this.#laterMark ??= setTimeout(() => {
      this.#laterMark = undefined
      this.#mark()
    }, waitMs)
  }

  /** Looks after what does not happen by itself: output without a mark, marks that do not return. */
  #watch(): void {
    const { outlets, progress } = this.#context
    const now = performance.now()
    if (!this.#holdsBack && now - (outlets.unsealedSince ?? now) > holdMs) {
      outlets.seal()
      this.#commits.soon()
    }
    this.#lookAfter(now)
    if (this.#pipeline.hasSpoken && !this.#isClosing) this.#examine(now)
    if (this.#isClosing || this.#pipeline.isWriting || this.#input.fed.lines === 0) return
    if (this.#input.outstanding === 0 || progress.passesMarks === false) return
    const sinceMove = now - this.#movedAt
    if (sinceMove > (progress.passesMarks === true ? stalledMs : unprovenMs)) {
      this.#isStuck = true
      if (progress.passesMarks === true) {
        this.#context.log.warn(
          { stage: this.#context.stage, seconds: Math.round(sinceMove / 1000) },
          'the pipeline stands still; its input is closed so that it can end',
        )
      }
      this.#stopFeeding.abort()
    } else if (progress.passesMarks === true && sinceMove > this.#probeMs) {
      this.#probeMs *= 2
      void this.#input.mark()
    }
  }

  /**
   * A tool of ours in the pipeline has given up. Those before it do not know until they write, which may be
   * tomorrow; and the shell may have dealt with it. A mark that returns shows that all is well; else the input is
   * closed, and how the pipeline ends tells.
   */
  #examine(now: number): void {
    if (this.#plan.limit !== undefined) return
    if (this.#spokeAt === undefined) {
      this.#spokeAt = now
      void this.#input.mark()
    } else if (this.#input.outstanding > 0 && now - this.#spokeAt > unprovenMs) {
      this.#isStuck = true
      this.#stopFeeding.abort()
    }
  }

  /** To be appended only with a mark behind it. */
  get #holdsBack(): boolean {
    return this.#plan.limit !== undefined || this.#plan.isDistrusted
  }

  #lookAfter(now: number): void {
    const hasWork = this.#input.outstanding > 0 && this.#input.fed.lines > 0
    const { isWriting } = this.#pipeline
    const verdict = this.#watchdog.look({
      now,
      printedAt: this.#held > 0 ? now : this.#printedAt,
      owes: !this.#isGone && (this.#isClosing || isWriting || hasWork),
      hasInputEnded: this.#isClosing,
      isWriting,
    })
    if (verdict !== undefined) this.#end(verdict.why, verdict.runaway)
  }

  #end(why: string, runaway?: Runaway): void {
    this.#endedFor ??= why
    this.#runaway ??= runaway
    this.#pipeline.kill()
  }

  #moved(): void {
    this.#movedAt = performance.now()
    this.#probeMs = firstProbeMs
  }

  async #collect(output: Readable, worker: number): Promise<void> {
    const { outlets } = this.#context
    const sorter = this.#sorters[worker]
    const rest = new ReadingRest()
    for await (const chunk of output) {
      this.#printedAt = performance.now()
      this.#flood.printed((chunk as Buffer).length)
      for (const piece of sorter?.push(chunk as Buffer) ?? []) this.#take(piece, worker)
      const flood = this.#flood.excess
      if (flood !== undefined) {
        this.#end(`it flooded and was ended: ${flood}`, 'flood')
        return
      }
      // Output is taken no faster than the journals take it.
      const isTooMuch = outlets.bytes > maxHeldBytes && !this.#plan.isDistrusted
      if (isTooMuch) outlets.seal()
      this.#commits.soon()
      if (isTooMuch) await this.#untilTaken()
      if (this.#trouble !== undefined) return
      const restMs = rest.after((chunk as Buffer).length, performance.now())
      if (restMs > 0) await delay(restMs)
    }
  }

  async #untilTaken(): Promise<void> {
    this.#held++
    await this.#commits.untilIdle()
    this.#held--
    this.#printedAt = performance.now()
  }

  #take(piece: Piece, worker: number): void {
    const { outlets, progress } = this.#context
    if ('lines' in piece) {
      outlets.add(piece.to, piece.lines)
      if (piece.isStray === true) this.#flood.strayed()
      // Said without being asked (a timer): a mark behind it makes it durable at both ends.
      if (this.#input.outstanding === 0 && progress.passesMarks !== false) this.#input.wantMark()
      return
    }
    const seq = this.#pipeline.returned(worker, piece.mark)
    const position = seq === undefined ? undefined : this.#input.returned(seq)
    if (position === undefined) return
    // Those that come out when the input is closed, or pushed by other output, prove nothing: a filter
    // that holds back the last lines would hold back the last mark.
    const isProof = progress.passesMarks === undefined || this.#input.fed.lines === 0
    if (!this.#isClosing && isProof) progress.passesMarks = true
    this.#flood.subsided()
    this.#change.notify()
    this.#commits.due(position)
    this.#moved()
  }

  #settled(appended: boolean): void {
    // Tells those who keep state by marks that what they said has arrived.
    if (appended && this.#input.outstanding === 0 && this.#context.progress.passesMarks === true) {
      this.#input.wantMark()
    }
    this.#mark()
    this.#change.notify()
  }
}
