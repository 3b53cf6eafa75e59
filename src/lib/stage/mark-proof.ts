import type { SignsOfLife } from './signs-of-life.ts'

/** A new pipeline may take so long to start and pass on a first mark, before it is fed; */
const usualMs = 5000
/** and longer while it does something: four programs that start on a busy machine take what they take. */
const stillMs = 2000
/** One that computes for ever without having been given anything would never be fed. */
const longestMs = 60_000
const lookMs = 1000

/**
 * How long the first mark is waited for. A pipeline that is taken for one that drops marks is started anew for each
 * batch: on a machine that was too busy for it to start in time, that would keep it busy.
 */
export class MarkProof {
  readonly #life: Pick<SignsOfLife, 'sinceLook' | 'idleMs' | 'look'>
  readonly #begunAt: number

  /** @param now monotonic, ms */
  constructor(life: Pick<SignsOfLife, 'sinceLook' | 'idleMs' | 'look'>, now: number) {
    this.#life = life
    this.#begunAt = now
  }

  /** To be called again and again. @returns true when the mark is waited for no longer */
  isOver(now: number): boolean {
    if (this.#life.sinceLook >= lookMs) this.#life.look()
    const waitedMs = now - this.#begunAt
    return waitedMs >= usualMs && (this.#life.idleMs >= stillMs || waitedMs >= longestMs)
  }
}
