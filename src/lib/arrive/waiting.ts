import { type Pause, Rhythms } from './rhythms.ts'
import type { Study } from './study.ts'

export interface WaitingTimes {
  readonly quietSeconds: number
  readonly maxWaitSeconds: number
  /** What the quiet time grows to, at most, for a sender that pauses; twice the quiet time when it is not given. */
  readonly longestQuietSeconds?: number | undefined
}

/** What a project has of its own in place of the times of all. */
export type OwnTimes = (project: string | undefined) => Partial<WaitingTimes> | undefined

/** How long a study is waited for: the times of its project, and what is known of the rhythm of its sender. */
export class Waiting {
  readonly rhythms = new Rhythms()
  readonly #times: WaitingTimes
  readonly #own: OwnTimes | undefined
  readonly #learned: (pause: Pause) => void

  /** @param learned is told what should outlive this process */
  constructor(times: WaitingTimes, own: OwnTimes | undefined, learned: (pause: Pause) => void) {
    this.#times = times
    this.#own = own
    this.#learned = learned
  }

  quietMs(study: Study): number {
    return quietSecondsOf(study, this.#timesOf(study), this.rhythms) * 1000
  }

  maxWaitMs(study: Study): number {
    return this.#timesOf(study).maxWaitSeconds * 1000
  }

  /** The latest moment of a decision: monotonic, ms. */
  dueAt(study: Study): number {
    return Math.min(study.lastAt + this.quietMs(study), study.latestAt)
  }

  /** A new object came at `now`. What came too late by far says nothing of a rhythm. */
  objectCame(study: Study, now: number): void {
    const isFirst = study.lastAt === 0
    const pause = isFirst ? 0 : now - study.lastAt
    if (pause > longestOf(this.#timesOf(study)) * 1000) return
    study.longestPauseMs = Math.max(study.longestPauseMs, pause)
  }

  /** A revision is decided: its study has told how long its sender pauses. */
  decided(study: Study): void {
    const pause = this.rhythms.paused(study.sources, study.key, Math.round(study.longestPauseMs))
    if (pause !== undefined) this.#learned(pause)
  }

  /** The times in force, for the evidence of a decision. */
  evidence(study: Study): Readonly<Record<string, number>> {
    const times = this.#timesOf(study)
    const quietSeconds = quietSecondsOf(study, times, this.rhythms)
    return {
      quietSeconds,
      maxWaitSeconds: times.maxWaitSeconds,
      ...(quietSeconds === times.quietSeconds
        ? {}
        : { configuredQuietSeconds: times.quietSeconds }),
    }
  }

  #timesOf({ project }: Study): WaitingTimes {
    return { ...this.#times, ...this.#own?.(project) }
  }
}

/** The next pause may be a little longer than the last ones. */
const margin = 1.5

/** In seconds. A sender that pauses for longer than the quiet time gets more of it, up to a limit. */
export function quietSecondsOf(
  study: Pick<Study, 'sources'>,
  times: WaitingTimes,
  rhythms: Rhythms,
): number {
  const pauseSeconds = rhythms.longestOf(study.sources) / 1000
  if (pauseSeconds <= times.quietSeconds) return times.quietSeconds
  return Math.max(times.quietSeconds, Math.min(margin * pauseSeconds, longestOf(times)))
}

function longestOf({ quietSeconds, longestQuietSeconds }: WaitingTimes): number {
  return longestQuietSeconds ?? 2 * quietSeconds
}
