import { Change } from './change.ts'
import { Commits } from './commits.ts'
import { Feeder } from './feeder.ts'
import type { Runaway } from './limits.ts'
import { MarkPacer } from './mark-pacer.ts'
import { MarkWatch } from './mark-watch.ts'
import { MarkedInput } from './marked-input.ts'
import { OutputCollector } from './output-collector.ts'
import type { Ending } from './pipeline.ts'
import { Pulse } from './pulse.ts'
import type { RunContext, RunEnd, RunPlan } from './run-plan.ts'
import { untilQuiet } from './until-quiet.ts'
import { Watchdog } from './watchdog.ts'
import type { Workers } from './workers.ts'

/** Output waits so long for the mark behind it; then it is appended without. */
const holdMs = 1000
const watchMs = 100

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
  readonly #context: RunContext
  readonly #plan: RunPlan
  readonly #pipeline: Workers
  readonly #input: MarkedInput
  readonly #marks: MarkPacer
  readonly #feeder: Feeder
  readonly #output: OutputCollector
  readonly #commits: Commits
  readonly #watchdog: Watchdog
  readonly #markWatch: MarkWatch
  readonly #pulse = new Pulse()
  readonly #change = new Change()
  /** Aborted when no more shall be fed: told to stop, to be drained, or the pipeline is gone. */
  readonly #stopFeeding = new AbortController()
  /** Aborted when the pipeline has ended. */
  readonly #gone = new AbortController()
  #isStuck = false
  #isClosing = false
  /** Why it was ended by us, in words. */
  #endedFor: string | undefined
  #runaway: Runaway | undefined
  #trouble: { error: unknown } | undefined

  constructor(context: RunContext, plan: RunPlan) {
    const { progress, outlets, log, limits, sort, stage } = context
    const { once, limit, isDistrusted } = plan
    this.#context = context
    this.#plan = plan
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
    const pipeline = context.start()
    const input = new MarkedInput(pipeline, progress, (marks) => {
      log.warn({ marks }, 'marks in the journal are left out')
    })
    this.#pipeline = pipeline
    this.#input = input
    this.#marks = new MarkPacer(input)
    // Each line has its own mark then.
    if (limit !== undefined) this.#marks.close()
    const [commits, pulse] = [this.#commits, this.#pulse]
    this.#feeder = new Feeder({
      ...{ from: context.from, once, limit, progress, input, marks: this.#marks, commits, pulse },
      groups: pipeline.groups,
      change: this.#change,
      stop: this.#stopFeeding.signal,
      gone: this.#gone.signal,
    })
    this.#output = new OutputCollector({
      ...{ outputs: pipeline.outputs, sort, limits, isDistrusted, outlets, commits, pulse },
      said: () => {
        this.#said()
      },
      passed: (worker, seq) => this.#passed(worker, seq),
      flooded: (why) => {
        this.#end(why, 'flood')
      },
    })
    this.#watchdog = new Watchdog(pipeline.groups, context.drainMs, limits)
    const marksEachLine = limit !== undefined
    this.#markWatch = new MarkWatch({ stage, log, progress, input, pipeline, pulse, marksEachLine })
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
      const work = [this.#feed(), ...this.#output.collect()].map((activity) =>
        activity.catch((error: unknown) => {
          this.#fail(error)
        }),
      )
      const ending = await this.#pipeline.ended
      // Before the feeder hears of it, who closes the input of a pipeline that is gone as well.
      const hadClosed = this.#isClosing
      this.#gone.abort()
      this.#stopFeeding.abort()
      this.#change.notify()
      await Promise.all(work)
      const isDone = ending.isClean && hadClosed
      if (isDone) {
        if (this.#input.outstanding > 0) progress.passesMarks ??= false
        this.#output.end()
        this.#commits.due(this.#input.end)
      }
      this.#commits.soon()
      await this.#commits.untilIdle()
      outlets.dropUnsealed()
      if (this.#trouble !== undefined) throw this.#trouble.error
      if (isDone) return { kind: 'drained', reachedEnd: this.#feeder.reachedEnd }
      const how = this.#howOf(ending)
      const { inFlight } = this
      return { kind: 'failed', ending: { ...ending, how }, inFlight, runaway: this.#runaway }
    } finally {
      clearInterval(watch)
      this.#marks.close()
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
    this.#output.stop()
    this.#pipeline.kill()
  }

  #end(why: string, runaway?: Runaway): void {
    this.#endedFor ??= why
    this.#runaway ??= runaway
    this.#pipeline.kill()
  }

  async #feed(): Promise<void> {
    const { progress, outlets, drainMs } = this.#context
    await this.#feeder.feed()
    if (this.#plan.limit === undefined && !this.#isStuck) {
      await untilQuiet({
        ...{ progress, outlets, input: this.#input, commits: this.#commits, output: this.#output },
        ...{ pulse: this.#pulse, change: this.#change, gone: this.#gone.signal },
        longestMs: drainMs / 2,
      })
    }
    this.#isClosing = true
    this.#marks.close()
    this.#pipeline.end()
  }

  /** Looks after what does not happen by itself: output without a mark, marks that do not return, an end. */
  #watch(): void {
    const { outlets } = this.#context
    const now = performance.now()
    if (!this.#holdsBack && now - (outlets.unsealedSince ?? now) > holdMs) {
      outlets.seal()
      this.#commits.soon()
    }
    this.#lookAfter(now)
    if (this.#isClosing || !this.#markWatch.look(now)) return
    this.#isStuck = true
    this.#stopFeeding.abort()
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
      printedAt: this.#pulse.heardAt(now),
      owes: !this.#gone.signal.aborted && (this.#isClosing || isWriting || hasWork),
      hasInputEnded: this.#isClosing,
      isWriting,
    })
    if (verdict !== undefined) this.#end(verdict.why, verdict.runaway)
  }

  /** Said without being asked (a timer): a mark behind it makes it durable at both ends. */
  #said(): void {
    const isAsked = this.#input.outstanding > 0
    if (!isAsked && this.#context.progress.passesMarks !== false) this.#input.wantMark()
  }

  /** @returns true when the mark moves the position that is vouched for */
  #passed(worker: number, mark: number): boolean {
    const { progress } = this.#context
    const seq = this.#pipeline.returned(worker, mark)
    const position = seq === undefined ? undefined : this.#input.returned(seq)
    if (position === undefined) return false
    // Those that come out when the input is closed, or pushed by other output, prove nothing: a filter
    // that holds back the last lines would hold back the last mark.
    const isProof = progress.passesMarks === undefined || this.#input.fed.lines === 0
    if (!this.#isClosing && isProof) progress.passesMarks = true
    this.#change.notify()
    this.#commits.due(position)
    this.#pulse.moved()
    return true
  }

  #settled(appended: boolean): void {
    // Tells those who keep state by marks that what they said has arrived.
    if (appended && this.#input.outstanding === 0 && this.#context.progress.passesMarks === true) {
      this.#input.wantMark()
    }
    this.#marks.pace()
    this.#change.notify()
  }
}
