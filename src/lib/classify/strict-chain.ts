import type { Condition } from './strict-rules.ts'

/**
 * How a definition depends on types found by others: not at all, on their presence, or (also) on
 * their absence. What asks for presence can be tried until nothing new is found, and the order of
 * the file does not matter; absence has to wait until then.
 */
export type Chain = 'none' | 'onTypes' | 'onAbsence'

/** By definition. References are followed; in circles, which are refused, they would not end. */
export function chainsOf(definitions: readonly (readonly Condition[])[]): Chain[] {
  const known = new Map<string, Chain>()
  const chainOf = (at: number, isInverted: boolean): Chain => {
    const key = `${String(at)} ${String(isInverted)}`
    const before = known.get(key)
    if (before !== undefined) return before
    const chain = chainOfAll(definitions[at] ?? [], isInverted)
    known.set(key, chain)
    return chain
  }
  const chainOfAll = (conditions: readonly Condition[], isInverted: boolean): Chain => {
    let chain: Chain = 'none'
    for (const condition of conditions) {
      const one = chainOfOne(condition, isInverted)
      if (one === 'onAbsence') chain = one
      else if (one === 'onTypes' && chain === 'none') chain = one
    }
    return chain
  }
  const chainOfOne = (condition: Condition, isInverted: boolean): Chain => {
    const inverted = isInverted !== condition.negate
    switch (condition.kind) {
      case 'leaf':
        return 'none'
      case 'types': {
        const asksForAbsence = ['!=', 'notexists'].includes(condition.test.operator ?? '')
        return asksForAbsence !== inverted ? 'onAbsence' : 'onTypes'
      }
      case 'reference':
        return chainOf(condition.to, inverted)
      case 'group':
        return chainOfAll(condition.conditions, inverted)
    }
  }
  return definitions.map((_, at) => chainOf(at, false))
}
