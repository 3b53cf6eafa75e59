import type { JournalChunk } from '../journal/index.ts'
import type { Change } from './change.ts'
import { eachLine, firstLines } from './chunk-lines.ts'
import type { Commits, Progress } from './commits.ts'
import { JournalFeed } from './journal-feed.ts'
import type { MarkedInput } from './marked-input.ts'
import type { MarkPacer } from './mark-pacer.ts'
import { MarkProof } from './mark-proof.ts'
import type { Pulse } from './pulse.ts'
import { SignsOfLife } from './signs-of-life.ts'

/** Fed and not committed: at most so much, and one chunk more. It is what a failure makes to be done again. */
const maxInFlight = { lines: 10_000, bytes: 16 * 1024 * 1024 }
/** Where marks do not come back, a pause in the input of this length ends a batch. */
const batchPauseMs = 20
const lookMs = 100

export interface FeederOptions {
  /** Directory of the journal. */
  readonly from: string
  /** Stop at the end of the journal in place of waiting for more. */
  readonly once: boolean
  /** At most so many lines, with a mark behind each; 0: nothing but a mark. */
  readonly limit: number | undefined
  readonly progress: Progress
  readonly input: MarkedInput
  /** The process groups of the pipeline. */
  readonly groups: readonly number[]
  readonly marks: MarkPacer
  readonly commits: Commits
  readonly pulse: Pulse
  /** Notified of marks and commits. */
  readonly change: Change
  /** Aborted when no more shall be fed. */
  readonly stop: AbortSignal
  /** Aborted when the pipeline has ended. */
  readonly gone: AbortSignal
}

/** Gives a pipeline what stands in the journal, no faster than it takes it and than commits follow. */
export class Feeder {
  readonly #options: FeederOptions
  #reachedEnd = false
  /** Resolves when the pipeline has taken the last chunk. */
  #taking: Promise<void> = Promise.resolve()

  constructor(options: FeederOptions) {
    this.#options = options
  }

  /** There was no more in the journal. */
  get reachedEnd(): boolean {
    return this.#reachedEnd
  }

  /** Resolves when all was taken that this pipeline is to be given, or `stop` is aborted. */
  async feed(): Promise<void> {
    const { limit, input } = this.#options
    await this.#proveMarks()
    // Nothing but a mark: a pipeline that fails at that has no record to blame.
    if (limit === 0) void input.mark()
    else {
      await this.#feedJournal()
      await this.#taking
    }
  }

  /** Sends the first mark, and waits for it when it is not known whether this pipeline passes marks on. */
  async #proveMarks(): Promise<void> {
    const { progress, limit, once, input, groups, change, stop } = this.#options
    if (progress.passesMarks === true || limit !== undefined || once) return
    void input.mark()
    if (progress.passesMarks === false) return
    const proof = new MarkProof(new SignsOfLife(groups), performance.now())
    while (progress.passesMarks === undefined && !stop.aborted) {
      if (proof.isOver(performance.now())) progress.passesMarks = false
      else await change.wait(lookMs)
    }
  }

  async #feedJournal(): Promise<void> {
    const { from, progress, limit, once, input, change, stop } = this.#options
    const follow = !once && limit === undefined
    const feed = new JournalFeed(from, { cursor: progress.cursor.whole(), follow, stop })
    try {
      for (;;) {
        // Where marks do not come back, the end of the input stands for the mark: a pause ends the batch.
        const isBatch = progress.passesMarks === false && input.fed.lines > 0
        const chunk = await feed.next(isBatch ? batchPauseMs : undefined)
        if (chunk === 'pause' || stop.aborted) return
        if (chunk === 'end') {
          this.#reachedEnd = limit === undefined
          return
        }
        if (limit === undefined) await this.#put(chunk)
        else await this.#putOneByOne(firstLines(chunk, limit - input.fed.lines))
        if (limit !== undefined && input.fed.lines >= limit) return
        while (!stop.aborted && this.#isFull) {
          if (progress.passesMarks === false) return
          await change.wait(lookMs)
        }
      }
    } finally {
      await feed.close()
    }
  }

  async #put(chunk: JournalChunk): Promise<void> {
    const { input, marks, pulse } = this.#options
    const taken = input.write(chunk)
    input.wantMark()
    marks.pace()
    // The next one is read while this one is being taken: else a fast pipeline would wait for the disk each time.
    await this.#taking
    this.#taking = taken.then(() => {
      pulse.moved()
    })
  }

  /** With a mark behind each line, so that what a dying pipeline had done is known exactly. */
  async #putOneByOne(chunk: JournalChunk): Promise<void> {
    const { input, pulse, gone } = this.#options
    for (const line of eachLine(chunk)) {
      if (gone.aborted) return
      void input.write(line)
      await input.mark()
    }
    pulse.moved()
  }

  get #isFull(): boolean {
    const { input, commits } = this.#options
    const { lines, bytes } = commits.committed
    return (
      input.fed.lines - lines >= maxInFlight.lines || input.fed.bytes - bytes >= maxInFlight.bytes
    )
  }
}
