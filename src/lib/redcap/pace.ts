import { setTimeout as delay } from 'node:timers/promises'

/**
 * REDCap bans an address that calls more often than its administrator allows (600 times a minute unless set), for
 * everybody at that address and until somebody lifts it. So calls are counted over the last 60 seconds, by all
 * projects of one server together.
 */
export class Pace {
  readonly #most: number
  readonly #now: () => number
  readonly #wait: (ms: number, signal: AbortSignal) => Promise<void>
  /** When the last calls went out, the earliest first. */
  readonly #calls: number[] = []
  #last: Promise<void> = Promise.resolve()

  /** @param now monotonic milliseconds */
  constructor(
    callsPerMinute: number,
    now: () => number = () => performance.now(),
    wait: (ms: number, signal: AbortSignal) => Promise<void> = pause,
  ) {
    this.#most = callsPerMinute
    this.#now = now
    this.#wait = wait
  }

  /** Resolves when one more call may go out, in the order of asking. */
  turn(signal: AbortSignal): Promise<void> {
    const mine = this.#last.then(() => this.#take(signal))
    this.#last = mine.catch(() => undefined)
    return mine
  }

  async #take(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted()
      const now = this.#now()
      while ((this.#calls[0] ?? Infinity) <= now - windowMs) this.#calls.shift()
      const [earliest] = this.#calls
      if (this.#calls.length < this.#most || earliest === undefined) {
        this.#calls.push(now)
        return
      }
      await this.#wait(earliest + windowMs - now, signal)
    }
  }
}

const windowMs = 60_000

/** @throws the reason of the signal */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {
    signal.throwIfAborted()
  })
}

const firstPauseMs = 5000
const longestPauseMs = 5 * 60_000

/**
 * How long to leave a server alone that does not answer: 5 s, 10 s … 5 minutes, and of that anything from half to all.
 * @param failures in a row
 * @param random from 0 to 1
 */
export function longerPause(failures: number, random: number): number {
  const ms = Math.min(firstPauseMs * 2 ** Math.min(failures - 1, 10), longestPauseMs)
  return ms * (0.5 + random / 2)
}
