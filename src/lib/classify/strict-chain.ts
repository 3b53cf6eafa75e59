import type { Condition } from './strict-rules.ts'

/**
 * How a definition depends on types found by others: not at all, on their presence, or (also) on
 * their absence. What asks for presence can be tried until nothing new is found, and the order of
 * the file does not matter; absence has to wait until then.
 */
export type Chain = 'none' | 'onTypes' | 'onAbsence'

export function chainOf(conditions: readonly Condition[]): Chain {
  const kinds = conditions.map((condition) => chainOfOne(condition, false))
  if (kinds.includes('onAbsence')) return 'onAbsence'
  return kinds.includes('onTypes') ? 'onTypes' : 'none'
}

function chainOfOne(condition: Condition, isInverted: boolean): Chain {
  const inverted = isInverted !== condition.negate
  switch (condition.kind) {
    case 'leaf':
      return 'none'
    case 'types': {
      const asksForAbsence = ['!=', 'notexists'].includes(condition.test.operator ?? '')
      return asksForAbsence !== inverted ? 'onAbsence' : 'onTypes'
    }
    case 'all': {
      const kinds = condition.parts.map((part) => chainOfOne(part, inverted))
      if (kinds.includes('onAbsence')) return 'onAbsence'
      return kinds.includes('onTypes') ? 'onTypes' : 'none'
    }
  }
}
