import { type DicomFile, formatTag, keywordOf, vrOf } from '../../dicom/index.ts'
import type { ObjectFacts } from '../profile/profile.ts'
import { Surroundings } from '../surroundings.ts'
import { decidingRule } from './decide-by-rules.ts'
import { allBits } from './matching.ts'
import { type RequestFacts, renderTemplate } from './render-template.ts'
import type { Rule, Selector } from './rule.ts'
import type { RuleSet } from './rule-set.ts'
import { misfit } from './vr-limits.ts'

/** An attribute that rules want at the top of an object that lacks it. */
export interface Addition {
  readonly tag: number
  readonly vr: string
  readonly value: string
}

/** What `set` writes although nothing was there. Nothing of the request where the request does not say it. */
export function additionsFor(set: RuleSet, object: ObjectFacts, facts: RequestFacts): Addition[] {
  const rules = set.of(object)
  if (rules === undefined) return []
  const top = new Surroundings(object.file, object.file.dataSet)
  const added = new Map<number, Addition>()
  for (const { action, selectors } of rules.rules) {
    if (action.kind !== 'set' || !action.create) continue
    for (const tag of selectors.flatMap((selector) => tagAtTop(selector) ?? [])) {
      const rule = decidingRule(rules, tag, top)
      if (rule?.action !== action || added.has(tag) || has(object.file, tag)) continue
      const value = renderTemplate(action.value, facts)
      if (value === '' && action.value.length > 0) continue
      added.set(tag, { tag, vr: vrOf(tag) ?? 'LO', value })
    }
  }
  return [...added.values()]
}

/** Of an attribute that stands, or may stand, at the top of an object. */
function tagAtTop({ around, target }: Selector): number | undefined {
  const isOne = around.length === 0 && target.kind === 'tag' && target.mask === allBits
  return isOne ? target.value : undefined
}

function has(file: DicomFile, tag: number): boolean {
  return file.dataSet.get(tag) !== undefined
}

/** Why a rule cannot write what the request says where it shall stand; undefined when all can. */
export function misfitOfRequest(rules: readonly Rule[], facts: RequestFacts): string | undefined {
  for (const { action, selectors, line } of rules) {
    if (action.kind !== 'set') continue
    for (const { target } of selectors) {
      const vr = target.kind === 'tag' ? vrOf(target.value) : undefined
      const problem = vr === undefined ? undefined : misfit(renderTemplate(action.value, facts), vr)
      if (problem === undefined || target.kind !== 'tag') continue
      return `${formatTag(target.value)} ${keywordOf(target.value) ?? ''} (line ${String(line)} of the profile): ${problem}`
    }
  }
  return undefined
}
