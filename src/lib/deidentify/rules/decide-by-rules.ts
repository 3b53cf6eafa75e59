import type { Decision } from '../actions/action.ts'
import type { ObjectFacts } from '../profile/profile.ts'
import type { Surroundings } from '../surroundings.ts'
import { isUntouchable } from './untouchable.ts'
import type { Rule } from './rule.ts'
import type { RuleSet, RulesOfObject } from './rule-set.ts'
import { writeByRule } from './write-by-rule.ts'

/** The first rule that decides about an element; undefined where none speaks of it, and the table decides. */
export function decideByRules(set: RuleSet): (object: ObjectFacts) => DecideByRules | undefined {
  return (object) => {
    const rules = set.of(object)
    return rules === undefined ? undefined : deciderOf(rules)
  }
}

type DecideByRules = (tag: number, around: Surroundings) => Decision | undefined

const deciders = new WeakMap<RulesOfObject, DecideByRules>()

/** One for all objects that the same rules are for. */
function deciderOf(rules: RulesOfObject): DecideByRules {
  let decider = deciders.get(rules)
  if (decider === undefined) {
    decider = (tag, around) => {
      if (isUntouchable(tag)) return undefined
      const rule = decidingRule(rules, tag, around)
      return rule === undefined ? undefined : decisionOf(rule)
    }
    deciders.set(rules, decider)
  }
  return decider
}

/** A rule that only asks for a look leaves the rest to the rules behind it. */
export function decidingRule(
  rules: RulesOfObject,
  tag: number,
  around: Surroundings,
): Rule | undefined {
  const creator = rules.asksForCreators ? around.creatorOf(tag) : undefined
  for (const rule of rules.selecting({ tag, path: around.path, creator })) {
    if (rule.action.kind !== 'review') return rule
  }
  return undefined
}

const decisions = new WeakMap<Rule, Decision>()

function decisionOf(rule: Rule): Decision {
  let decision = decisions.get(rule)
  if (decision === undefined) {
    decision = makeDecision(rule)
    decisions.set(rule, decision)
  }
  return decision
}

function makeDecision(rule: Rule): Decision {
  const { action, line } = rule
  const about = { because: 'rule', rule: { line, action: action.kind } } as const
  switch (action.kind) {
    case 'set':
    case 'hash':
    case 'extract':
    case 'uidWithoutRoot':
      return {
        ...about,
        action: 'write',
        write: (place) => writeByRule(action, place),
        otherwise: 'empty',
      }
    case 'keep':
    case 'clean':
    case 'shiftDate':
      return {
        ...about,
        action: action.kind,
        otherwise: action.kind === 'keep' ? 'remove' : 'empty',
      }
    case 'review':
    case 'drop':
      // An object with such an element is left out before anything of it is written.
      return { ...about, action: 'remove' }
    default:
      return { ...about, action: action.kind }
  }
}
