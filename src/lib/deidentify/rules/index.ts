import type { Decision } from '../action.ts'
import type { ObjectFacts } from '../profile.ts'
import type { Surroundings } from '../surroundings.ts'
import { type Addition, additionsFor, misfitOfRequest } from './additions.ts'
import { decideByRules } from './decide-by-rules.ts'
import { type Verdict, lookAtObject } from './look-at-object.ts'
import type { RequestFacts } from './render-template.ts'
import type { Rule } from './rule.ts'
import { RuleSet } from './rule-set.ts'

export type { Addition, RequestFacts, Verdict }

/** What a project's rules say, besides the table. */
export interface Rules {
  /** All that they mean, as text, for the profile's digest. */
  readonly meaning: string
  /** Undefined where no rule speaks of the object, or of the element: the table decides. */
  readonly decider: (
    object: ObjectFacts,
  ) => ((tag: number, around: Surroundings) => Decision | undefined) | undefined
  /** What they say of the object as a whole. */
  readonly lookAt: (object: ObjectFacts) => Verdict
  readonly additionsFor: (object: ObjectFacts, facts: RequestFacts) => readonly Addition[]
  /** Why what the request says cannot be written where a rule wants it. */
  readonly misfitOf: (facts: RequestFacts) => string | undefined
}

export const noRules: Rules = {
  meaning: '',
  decider: () => undefined,
  lookAt: () => ({ leftOut: undefined, review: [] }),
  additionsFor: () => [],
  misfitOf: () => undefined,
}

type ObjectChoice = 'keep' | 'clean' | 'drop' | 'review'

/**
 * @param objects what is done with all objects of a class, by its UID
 */
export function rulesOf(
  { rules, objects }: { readonly rules: readonly Rule[]; readonly objects: ReadonlyMap<string, ObjectChoice> },
  meaning: string,
): Rules {
  const set = new RuleSet(rules)
  const byRules = lookAtObject(set)
  return {
    meaning,
    decider: decideByRules(set),
    lookAt(object) {
      const choice = objects.get(object.SOPClassUID)
      if (choice === 'drop') return { leftOut: 'profile objects', review: [] }
      const verdict = byRules(object)
      if (choice !== 'review') return verdict
      return { ...verdict, review: ['(0008,0016) SOPClassUID', ...verdict.review] }
    },
    additionsFor: (object, facts) => additionsFor(set, object, facts),
    misfitOf: (facts) => misfitOfRequest(rules, facts),
  }
}
