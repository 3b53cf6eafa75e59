import { isPrivate, vrOf } from '../../dicom/index.ts'
import type { BoundedRegExp } from '../../regexp/index.ts'
import { allBits } from '../rules/matching.ts'
import type { Condition, Rule, Selector, TagMask, Target } from '../rules/rule.ts'

/** The first rule that decides, whenever it holds, on all that a selector of a later one selects. */
export function coveredBy(
  selector: Selector,
  rule: Rule,
  earlier: readonly Rule[],
): Rule | undefined {
  return earlier.find(
    (other) =>
      other.action.kind !== 'review' &&
      other.when.every((condition) => isImplied(condition, rule.when)) &&
      other.selectors.some((wider) => covers(wider, selector)),
  )
}

function covers(wider: Selector, narrower: Selector): boolean {
  return isWiderTarget(wider.target, narrower.target) && isWiderPath(wider, narrower)
}

function isWiderTarget(wider: Target, narrower: Target): boolean {
  if (wider.kind === 'private' || narrower.kind === 'private') {
    return (
      wider.kind === 'private' &&
      narrower.kind === 'private' &&
      wider.group === narrower.group &&
      wider.creator === narrower.creator &&
      isWiderMask(
        { value: wider.element, mask: wider.mask },
        { value: narrower.element, mask: narrower.mask },
      )
    )
  }
  if (wider.kind === 'vr') {
    if (narrower.kind === 'vr') return narrower.vrs.every((vr) => wider.vrs.includes(vr))
    return narrower.mask === allBits && wider.vrs.includes(vrOf(narrower.value) ?? '')
  }
  if (narrower.kind === 'vr') return false
  return isPrivate(wider.value) === isPrivate(narrower.value) && isWiderMask(wider, narrower)
}

function isWiderMask(wider: TagMask, narrower: TagMask): boolean {
  const isLooser = (wider.mask & narrower.mask) >>> 0 === wider.mask >>> 0
  return isLooser && (narrower.value & wider.mask) >>> 0 === wider.value
}

function isWiderPath(wider: Selector, narrower: Selector): boolean {
  const more = narrower.around.length - wider.around.length
  if (wider.isAnchored ? !narrower.isAnchored || more !== 0 : more < 0) return false
  return wider.around.every((step, at) => {
    const other = narrower.around[more + at]
    return step === undefined || (other !== undefined && isWiderMask(step, other))
  })
}

/** Whether a condition holds whenever some others do. */
function isImplied({ of, is }: Condition, others: readonly Condition[]): boolean {
  const wanted = new Set(is.map(textOf))
  return others.some(
    (other) => other.of === of && other.is.every((each) => wanted.has(textOf(each))),
  )
}

/** The same text for what means the same. */
export function textOf(wanted: string | BoundedRegExp): string {
  return typeof wanted === 'string' ? `= ${wanted.toUpperCase()}` : `~ ${wanted.source}`
}
