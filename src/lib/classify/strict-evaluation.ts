import type { Value } from './attribute-value.ts'
import type { Condition, StrictRules } from './strict-rules.ts'

/**
 * Which definitions hold for one object, given what its tests said. Each is worked out once, however
 * many others refer to it; those that look at ClassifyType again when there are other types.
 */
export class Evaluation {
  readonly #rules: StrictRules
  readonly #results: Uint8Array
  readonly #settled = new Map<number, boolean>()
  #onTypes = new Map<number, boolean>()
  #types: Value | undefined

  constructor(rules: StrictRules, results: Uint8Array) {
    this.#rules = rules
    this.#results = results
  }

  /** @param at number of the definition */
  holds(at: number, types: Value): boolean {
    if (types !== this.#types) {
      this.#types = types
      this.#onTypes = new Map()
    }
    const known = this.#rules.chains[at] === 'none' ? this.#settled : this.#onTypes
    const before = known.get(at)
    if (before !== undefined) return before
    let holds = true
    for (const condition of this.#rules.conditions[at] ?? []) {
      holds = this.isMet(condition, types)
      if (!holds) break
    }
    known.set(at, holds)
    return holds
  }

  isMet(condition: Condition, types: Value): boolean {
    switch (condition.kind) {
      case 'leaf':
        return (this.#results[condition.leaf] === 1) !== condition.negate
      case 'types':
        return condition.holds(types, undefined) !== condition.negate
      case 'reference':
        return this.holds(condition.to, types) !== condition.negate
      case 'group': {
        const isMet = (each: Condition): boolean => this.isMet(each, types)
        const { conditions, mode } = condition
        return (
          (mode === 'any' ? conditions.some(isMet) : conditions.every(isMet)) !== condition.negate
        )
      }
    }
  }
}
