export type Priority = 'high' | 'normal' | 'low'

/** Of so many turns together, when all want one. */
const weights: Readonly<Record<Priority, number>> = { high: 16, normal: 4, low: 1 }

export function isPriority(value: unknown): value is Priority {
  return typeof value === 'string' && Object.hasOwn(weights, value)
}

/**
 * Whose turn it is: by weight, so that high goes before low, and low goes all the same (stride scheduling). Who
 * wanted nothing for a while has saved nothing up.
 */
export class Turns {
  readonly #passed: Record<Priority, number> = { high: 0, normal: 0, low: 0 }
  #now = 0

  /** @param wanting those that want a turn; not empty */
  next(wanting: ReadonlySet<Priority>): Priority {
    let chosen: Priority = 'normal'
    let least = Infinity
    for (const priority of ['high', 'normal', 'low'] as const) {
      if (!wanting.has(priority)) continue
      const passed = Math.max(this.#passed[priority], this.#now)
      this.#passed[priority] = passed
      if (passed >= least) continue
      least = passed
      chosen = priority
    }
    this.#now = this.#passed[chosen]
    this.#passed[chosen] += 1 / weights[chosen]
    return chosen
  }
}
