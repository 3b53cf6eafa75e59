import { type Pause, Rhythms } from './rhythms.ts'
import { Associations } from './associations.ts'
import type { Study } from './study.ts'

/** The next pause may be a little longer than the last ones. */
const margin = 1.5

export interface WaitingTimes {
  readonly quietSeconds: number
  readonly maxWaitSeconds: number
  /** What the quiet time grows to, at most, for a sender that pauses; twice the quiet time when it is not given. */
  readonly longestQuietSeconds?: number | undefined
  /** The quiet time when all that is known says that nothing is missing; undefined: it stays as it is. */
  readonly settledSeconds?: number | undefined
}

/** What a project has of its own in place of the times of all. */
export type OwnTimes = (project: string | undefined) => Partial<WaitingTimes> | undefined

/** How long a study is waited for: the times of its project, and what is known of the rhythm of its sender. */
export class Waiting {
  readonly rhythms = new Rhythms()
  readonly #associations = new Associations()
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
    return this.#quietSecondsOf(study, this.#timesOf(study)) * 1000
  }

  maxWaitMs(study: Study): number {
    return this.#timesOf(study).maxWaitSeconds * 1000
  }

  /** The latest moment of a decision: monotonic, ms. */
  dueAt(study: Study): number {
    return Math.min(study.lastAt + this.quietMs(study), study.latestAt)
  }

  /** A new object came at `now`. What came too late by far says nothing of a rhythm. */
  objectCame(study: Study, now: number, association: string | undefined): void {
    const times = this.#timesOf(study)
    if (times.settledSeconds !== undefined) {
      this.#associations.brought(study, association, study.instances - study.decided === 1)
    }
    const pause = study.lastAt === 0 ? 0 : now - study.lastAt
    if (pause > longestOf(times) * 1000) return
    study.longestPauseMs = Math.max(study.longestPauseMs, pause)
  }

  /** A revision is decided: its study has told how long its sender pauses. */
  decided(study: Study): void {
    const pause = this.rhythms.paused(study.sources, study.key, Math.round(study.longestPauseMs))
    if (pause !== undefined) this.#learned(pause)
    this.#associations.decided(study)
  }

  /** @returns the studies that may have settled by it */
  associationEnded(association: string, isReleased: boolean): Study[] {
    return this.#associations.ended(association, isReleased)
  }

  /** The times in force, for the evidence of a decision. */
  evidence(study: Study): Readonly<Record<string, number>> {
    const times = this.#timesOf(study)
    const quietSeconds = this.#quietSecondsOf(study, times)
    const announced = announcedOf(study)
    const images = imagesOf(study)
    return {
      quietSeconds,
      maxWaitSeconds: times.maxWaitSeconds,
      ...(quietSeconds === times.quietSeconds
        ? {}
        : { configuredQuietSeconds: times.quietSeconds }),
      ...(announced === undefined ? {} : { announced }),
      // Held against what is announced, should it be another number than that of the objects.
      ...(announced === undefined || images === study.instances ? {} : { images }),
    }
  }

  #quietSecondsOf(study: Study, times: WaitingTimes): number {
    const quietSeconds = quietSecondsOf(study, times, this.rhythms)
    const { settledSeconds } = times
    if (settledSeconds === undefined || !this.#isSettled(study)) return quietSeconds
    const afterPauses = (margin * this.rhythms.longestOf(study.sources)) / 1000
    return Math.min(quietSeconds, Math.max(settledSeconds, afterPauses))
  }

  /** Whoever sent its objects has gone as one goes who is done, and no header announces more than came. */
  #isSettled(study: Study): boolean {
    return this.#associations.areReleased(study) && (announcedOf(study) ?? 0) <= imagesOf(study)
  }

  /** Asked for each object: nothing is made where a project has no times of its own. */
  #timesOf({ project }: Study): WaitingTimes {
    const own = this.#own?.(project)
    return own === undefined ? this.#times : { ...this.#times, ...own }
  }
}

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

/**
 * How many images the headers of its series announce together (Images in Acquisition, PS3.3 C.7.6.1, of the first
 * object); a series that has more than that counts with what it has. Undefined where none announces any.
 */
function announcedOf({ series }: Study): number | undefined {
  let announced = 0
  let isAny = false
  for (const { attributes, images } of series.values()) {
    const told = Number(attributes?.['ImagesInAcquisition'] ?? Number.NaN)
    const isCount = Number.isSafeInteger(told) && told > 0
    isAny ||= isCount
    announced += isCount ? Math.max(told, images) : images
  }
  return isAny ? announced : undefined
}

/** An object with several frames (Number of Frames, PS3.3 C.7.6.6) is as many images. */
function imagesOf({ series }: Study): number {
  let all = 0
  for (const { images } of series.values()) all += images
  return all
}

function longestOf({ quietSeconds, longestQuietSeconds }: WaitingTimes): number {
  return longestQuietSeconds ?? 2 * quietSeconds
}
