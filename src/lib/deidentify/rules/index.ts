import { vrOf } from '../../dicom/index.ts'
import type { Decision } from '../actions/action.ts'
import type { ObjectFacts } from '../profile/profile.ts'
import { isTemporalVR } from '../dates/shift-date.ts'
import type { Surroundings } from '../surroundings.ts'
import { type Addition, additionsFor, misfitOfRequest } from './additions.ts'
import { decideByRules } from './decide-by-rules.ts'
import { type Verdict, lookAtObject } from './look-at-object.ts'
import { type RequestFacts, renderTemplate } from './render-template.ts'
import type { Rule, RuleAction, Target } from './rule.ts'
import { RuleSet } from './rule-set.ts'

export type { Addition, RequestFacts, Verdict }

/** What a project's rules say, besides the table. */
export interface Rules {
  /** All that they mean, as text, for the profile's digest. */
  readonly meaning: string
  /** What becomes of dates by them, as objects have to say. */
  readonly dates: 'kept' | 'shifted' | undefined
  /** Undefined where no rule speaks of the object, or of the element: the table decides. */
  readonly decider: (
    object: ObjectFacts,
  ) => ((tag: number, around: Surroundings) => Decision | undefined) | undefined
  /** What they say of the object as a whole. */
  readonly lookAt: (object: ObjectFacts) => Verdict
  readonly additionsFor: (object: ObjectFacts, facts: RequestFacts) => readonly Addition[]
  /** What they write whatever was there: no search may take it for the patient's. */
  readonly writtenFor: (facts: RequestFacts) => readonly string[]
  /** Why what the request says cannot be written where a rule wants it. */
  readonly misfitOf: (facts: RequestFacts) => string | undefined
}

export const noRules: Rules = {
  meaning: '',
  dates: undefined,
  decider: () => undefined,
  lookAt: () => ({ leftOut: undefined, review: [] }),
  additionsFor: () => [],
  writtenFor: () => [],
  misfitOf: () => undefined,
}

type ObjectChoice = 'keep' | 'clean' | 'drop' | 'review'

/**
 * @param objects what is done with all objects of a class, by its UID
 */
export function rulesOf(
  {
    rules,
    objects,
  }: { readonly rules: readonly Rule[]; readonly objects: ReadonlyMap<string, ObjectChoice> },
  meaning: string,
): Rules {
  const set = new RuleSet(rules)
  const byRules = lookAtObject(set)
  return {
    meaning,
    dates: datesOf(rules),
    decider: decideByRules(set),
    lookAt(object) {
      const choice = objects.get(object.SOPClassUID)
      if (choice === 'drop') return { leftOut: 'profile objects', review: [] }
      const verdict = byRules(object)
      if (choice !== 'review') return verdict
      return { ...verdict, review: ['(0008,0016) SOPClassUID', ...verdict.review] }
    },
    additionsFor: (object, facts) => additionsFor(set, object, facts),
    writtenFor: (facts) => rules.flatMap(({ action }) => writtenBy(action, facts)),
    misfitOf: (facts) => misfitOfRequest(rules, facts),
  }
}

/** Of some real dates that are kept an object has to tell before it tells of others that are shifted. */
function datesOf(rules: readonly Rule[]): Rules['dates'] {
  const isOfDates = ({ selectors }: Rule) =>
    selectors.some(({ target }) => isTemporalTarget(target))
  if (rules.some((rule) => rule.action.kind === 'keep' && isOfDates(rule))) return 'kept'
  return rules.some(({ action }) => action.kind === 'shiftDate') ? 'shifted' : undefined
}

function isTemporalTarget(target: Target): boolean {
  if (target.kind === 'vr') return target.vrs.some(isTemporalVR)
  return target.kind === 'tag' && isTemporalVR(vrOf(target.value) ?? '')
}

function writtenBy(action: RuleAction, facts: RequestFacts): string[] {
  if (action.kind === 'set') return [renderTemplate(action.value, facts)]
  return action.kind === 'extract' && action.otherwise !== undefined ? [action.otherwise] : []
}
