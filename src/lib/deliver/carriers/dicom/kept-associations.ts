import type { Association } from '../../../dimse/index.ts'

/** Peers end associations on which nothing happens, most of them after half a minute or later. */
const idleSeconds = 10

/** An association and what was proposed on it. */
export interface Way {
  readonly association: Association
  /** `SOP class, blank, transfer syntax` */
  readonly proposed: ReadonlySet<string>
  /** It has served an earlier study: the peer may have ended it meanwhile. */
  readonly isKept: boolean
}

/** Associations that wait for the next study, for a short while. */
export class KeptAssociations {
  readonly #idle = new Map<Way, NodeJS.Timeout>()

  /** Of an association that is over nothing is kept. */
  keep(way: Way): void {
    if (way.association.failure !== undefined) return
    const timer = setTimeout(() => {
      void this.#release(way)
    }, idleSeconds * 1000)
    this.#idle.set(way, timer.unref())
  }

  /** One on which all of this was proposed, if there is any; what the peer refused then, it refuses now. */
  take(kinds: readonly string[]): Way | undefined {
    for (const [way, timer] of this.#idle) {
      if (!fits(way, kinds)) continue
      clearTimeout(timer)
      this.#idle.delete(way)
      return { ...way, isKept: true }
    }
    return undefined
  }

  /** Those that do not serve this purpose are in the way of new ones, where a peer lets in few. */
  async releaseOthers(kinds: readonly string[]): Promise<void> {
    const others = [...this.#idle.keys()].filter((way) => !fits(way, kinds))
    await Promise.all(others.map((way) => this.#release(way)))
  }

  async releaseAll(): Promise<void> {
    await Promise.all([...this.#idle.keys()].map((way) => this.#release(way)))
  }

  async #release(way: Way): Promise<void> {
    clearTimeout(this.#idle.get(way))
    this.#idle.delete(way)
    await way.association.release()
  }
}

function fits({ association, proposed }: Way, kinds: readonly string[]): boolean {
  return association.failure === undefined && kinds.every((kind) => proposed.has(kind))
}
