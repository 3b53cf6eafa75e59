import type { Runaway, StageLimits } from './limits.ts'
import { SignsOfLife } from './signs-of-life.ts'

/** Whoever hangs after the end of its input is not ended before this, however short draining may be. */
const leastHangMs = 5000
/** Whether a pipeline that prints nothing lives is looked after so often. */
const lookMs = 2500

/** How it stands with the pipeline at a moment (monotonic, ms). */
export interface Standing {
  readonly now: number
  /** When it last printed something, or could not be heard. */
  readonly printedAt: number
  /** It has something to do: whoever waits for us need not move. */
  readonly owes: boolean
  readonly hasInputEnded: boolean
  /** It has not taken what was written to it. */
  readonly isWriting: boolean
}

export interface Verdict {
  /** For people. */
  readonly why: string
  readonly runaway?: Runaway
}

/** Looks for what would neither end nor go on by itself. */
export class Watchdog {
  readonly #groups: readonly number[]
  readonly #drainMs: number
  readonly #stuckMs: number
  /** Looked for while it owes something and prints nothing. */
  #life: SignsOfLife | undefined

  constructor(groups: readonly number[], drainMs: number, { stuckMs }: StageLimits) {
    this.#groups = groups
    this.#drainMs = drainMs
    this.#stuckMs = stuckMs
  }

  /** To be called again and again. @returns why the pipeline is to be ended */
  look({ now, printedAt, owes, hasInputEnded, isWriting }: Standing): Verdict | undefined {
    if (!owes || now - printedAt < lookMs) {
      this.#life = undefined
      return undefined
    }
    this.#life ??= new SignsOfLife(this.#groups)
    if (this.#life.sinceLook < lookMs) return undefined
    this.#life.look()
    const { idleMs, silentMs } = this.#life
    if (silentMs >= this.#stuckMs) {
      const how = isWriting
        ? 'it did not read its input, and did nothing else'
        : 'it read, wrote and printed nothing'
      const why = `it was stuck and was ended: for ${seconds(silentMs)} s ${how}`
      return { why, runaway: 'stuck' }
    }
    if (!hasInputEnded || idleMs < Math.max(this.#drainMs, leastHangMs)) return undefined
    return {
      why: `it hung and was ended: its input had ended, and for ${seconds(idleMs)} s it did nothing`,
    }
  }
}

function seconds(ms: number): string {
  return String(Math.round(ms / 1000))
}
