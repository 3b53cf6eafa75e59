import { type DataSet, formatTag, keywordOf } from '../../dicom/index.ts'
import type { ObjectFacts } from '../profile/profile.ts'
import { Surroundings } from '../surroundings.ts'
import type { Rule } from './rule.ts'
import type { RuleSet, RulesOfObject } from './rule-set.ts'

/** What rules say of an object as a whole. */
export interface Verdict {
  /** Why it stays on the clinical side, as a record may say it. */
  readonly leftOut: string | undefined
  /** Attribute paths for which a person shall look. */
  readonly review: readonly string[]
}

const nothing: Verdict = { leftOut: undefined, review: [] }

/** Rules that leave an object out, or hold it, for what it is or for an attribute that is there. */
export function lookAtObject(set: RuleSet): (object: ObjectFacts) => Verdict {
  const isAbout = ({ action }: Rule) => action.kind === 'drop' || action.kind === 'review'
  if (!set.rules.some(isAbout)) return () => nothing
  return (object) => {
    const rules = set.of(object)
    if (rules?.rules.some(isAbout) !== true) return nothing
    const review: string[] = []
    for (const rule of rules.rules) {
      if (rule.selectors.length > 0) continue
      if (rule.action.kind === 'drop') return { leftOut: nameOf(rule, ''), review: [] }
      if (rule.action.kind === 'review') review.push('object')
    }
    const leftOut = lookInside(
      rules,
      new Surroundings(object.file, object.file.dataSet),
      '',
      review,
    )
    return { leftOut, review }
  }
}

function lookInside(
  rules: RulesOfObject,
  around: Surroundings,
  path: string,
  review: string[],
): string | undefined {
  for (const { tag, items } of around.dataSet.elements) {
    const where = `${path}${formatTag(tag)}`
    const creator = rules.asksForCreators ? around.creatorOf(tag) : undefined
    for (const rule of rules.selecting({ tag, path: around.path, creator })) {
      if (rule.action.kind === 'review') review.push(`${where} ${keywordOf(tag) ?? ''}`.trim())
      else if (rule.action.kind === 'drop')
        return nameOf(rule, ` ${keywordOf(tag) ?? formatTag(tag)}`)
      else break
    }
    const leftOut = inItems(items ?? [], (item, at) =>
      lookInside(rules, around.inside(tag, item), `${where}[${String(at + 1)}].`, review),
    )
    if (leftOut !== undefined) return leftOut
  }
  return undefined
}

function inItems<Found>(
  items: readonly DataSet[],
  look: (item: DataSet, at: number) => Found | undefined,
): Found | undefined {
  for (const [at, item] of items.entries()) {
    const found = look(item, at)
    if (found !== undefined) return found
  }
  return undefined
}

/** Nothing of the object: the line of the profile, and the attribute that it names. */
function nameOf({ line }: Rule, attribute: string): string {
  return `profile line ${String(line)}${attribute}`
}
