import type { Logger } from 'pino'
import type { Progress } from './commits.ts'
import type { MarkedInput } from './marked-input.ts'
import { type Pulse, unprovenMs } from './pulse.ts'
import type { Workers } from './workers.ts'

/** One that passes marks is asked again after this (and twice this, …), because a part of it may have died; */
const firstProbeMs = 1000
/** and drained when nothing has moved for so long. */
const stalledMs = 60_000

export interface MarkWatchOptions {
  readonly stage: string
  readonly log: Logger
  readonly progress: Progress
  readonly input: MarkedInput
  readonly pipeline: Pick<Workers, 'hasSpoken' | 'isWriting'>
  readonly pulse: Pulse
  /** Each line has a mark behind it: one more would tell nothing. */
  readonly marksEachLine: boolean
}

/** Looks for marks that do not come back, while a pipeline is being fed. */
export class MarkWatch {
  readonly #options: MarkWatchOptions
  /** When a tool of ours in the pipeline was heard to give up. */
  #spokeAt: number | undefined
  #probeMs = firstProbeMs
  /** The last move that was seen: with each, patience begins anew. */
  #movedAt = Number.NaN

  constructor(options: MarkWatchOptions) {
    this.#options = options
  }

  /**
   * To be called again and again.
   * @returns true when the pipeline is stuck: its input is to be closed, and how it ends tells
   */
  look(now: number): boolean {
    const { pipeline, input, progress, pulse } = this.#options
    const isLost = pipeline.hasSpoken && this.#examine(now)
    if (pipeline.isWriting || input.fed.lines === 0) return isLost
    if (input.outstanding === 0 || progress.passesMarks === false) return isLost
    if (pulse.movedAt !== this.#movedAt) this.#probeMs = firstProbeMs
    this.#movedAt = pulse.movedAt
    const sinceMove = now - pulse.movedAt
    if (sinceMove > (progress.passesMarks === true ? stalledMs : unprovenMs)) {
      if (progress.passesMarks === true) this.#warn(sinceMove)
      return true
    }
    if (progress.passesMarks === true && sinceMove > this.#probeMs) {
      this.#probeMs *= 2
      void input.mark()
    }
    return isLost
  }

  /**
   * A tool of ours in the pipeline has given up. Those before it do not know until they write, which may be
   * tomorrow; and the shell may have dealt with it. A mark that returns shows that all is well; else the input is
   * closed, and how the pipeline ends tells.
   */
  #examine(now: number): boolean {
    const { input, marksEachLine } = this.#options
    if (marksEachLine) return false
    if (this.#spokeAt !== undefined) {
      return input.outstanding > 0 && now - this.#spokeAt > unprovenMs
    }
    this.#spokeAt = now
    void input.mark()
    return false
  }

  #warn(sinceMove: number): void {
    const { log, stage } = this.#options
    log.warn(
      { stage, seconds: Math.round(sinceMove / 1000) },
      'the pipeline stands still; its input is closed so that it can end',
    )
  }
}
