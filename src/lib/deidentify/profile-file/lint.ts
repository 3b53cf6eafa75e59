import { formatTag, keywordOf, knownKeywords, tagOf, vrOf } from '../../dicom/index.ts'
import type { Decision } from '../actions/action.ts'
import { isExecutable } from '../faces/index.ts'
import { isPersonal } from '../search/identity-kinds.ts'
import { allBits, selects } from '../rules/matching.ts'
import type { Rule, Selector } from '../rules/rule.ts'
import { coveredBy } from './covering.ts'
import type { Problems } from './problems.ts'
import type { ProfileFile } from './read-profile.ts'
import type { Key } from './source.ts'

/** What the table, with the profile's options, does with an attribute of the standard. */
export type Table = (tag: number) => Decision

/** So many names are shown of those that a mask stands for. */
const mostNamed = 5
/** Below this two of a million values become one more often than once in a thousand projects. */
const shortestHash = 10
const shortestDigits = 16

/** Warns of what was hardly meant, and of what weakens: none of it is a mistake. */
export function lintProfile(file: ProfileFile, table: Table, problems: Problems): void {
  const { rules, source, text } = file
  rules.forEach((rule, at) => {
    const keys = keysOfRule(file, at)
    const offset = source.at(keys)
    lintOrder(rule, rules.slice(0, at), offset, problems)
    lintReach(rule, rules, table, offset, problems)
    lintRetained(rule, table, offset, problems)
    lintAction(rule, offset, problems)
    lintPatterns(rule, offset, problems)
  })
  lintDefacing(file, problems)
  if (text.base === 'none') {
    problems.warning(
      source.at(['base']),
      'base none: what no rule names goes as it is. The search afterwards knows who, where and when, and holds what has any of it; what merely describes (comments, wards, devices) passes',
    )
  }
  if (text.uidStyle !== undefined && text.uidStyle !== 'keyed') {
    problems.warning(
      source.at(['uidStyle']),
      'UIDs of the original style are made without a secret: whoever knows an original UID and the name of the project finds the new one. Only to continue what was begun so',
    )
  }
}

/** Told before a study with a head comes, which would be held. */
function lintDefacing({ text, source }: ProfileFile, problems: Problems): void {
  const { command, required } = text.deface ?? {}
  if (command === undefined) {
    if (required !== true) return
    problems.warning(
      source.at(['deface', 'required'], true),
      'defacing is required, and there is no command: every study with a head will be held',
    )
    return
  }
  const [program = ''] = command
  if (isExecutable(program)) return
  problems.warning(
    source.at(['deface', 'command']),
    `${JSON.stringify(program)} is not there, or may not be executed: every study with a head will be held`,
  )
}

/** Where the rule of this number stands: rules come from three lists. */
function keysOfRule({ text }: ProfileFile, at: number): readonly Key[] {
  let rest = at
  for (const list of ['rules', 'tagchange', 'regtagchange'] as const) {
    const length = text[list]?.length ?? 0
    if (rest < length) return [list, rest]
    rest -= length
  }
  return []
}

function lintOrder(rule: Rule, earlier: readonly Rule[], offset: number, problems: Problems): void {
  const covered = rule.selectors.map((selector) => ({
    selector,
    by: coveredBy(selector, rule, earlier),
  }))
  const shadowed = covered.filter(({ by }) => by !== undefined)
  if (shadowed.length === 0) return
  const isWhole = shadowed.length === covered.length
  for (const { selector, by } of shadowed) {
    const line = String(by?.line)
    problems.warning(
      offset,
      isWhole
        ? `this rule never applies: the one in line ${line} comes first and says what becomes of ${selector.text}`
        : `${selector.text} is out of reach here: the rule in line ${line} comes first`,
    )
  }
}

/** Of a sequence that is removed or replaced nothing inside is asked for. */
function lintReach(
  rule: Rule,
  rules: readonly Rule[],
  table: Table,
  offset: number,
  problems: Problems,
): void {
  if (rule.action.kind === 'review' || rule.action.kind === 'drop') return
  for (const { around, text } of rule.selectors) {
    for (const step of around) {
      if (step === undefined || step.mask !== allBits) continue
      const isKept = rules.some(
        ({ action, selectors }) =>
          action.kind === 'keep' &&
          selectors.some(({ target }) => target.kind === 'tag' && target.value === step.value),
      )
      const { action } = table(step.value)
      if (isKept || action === 'keep' || action === 'clean') continue
      const name = keywordOf(step.value) ?? formatTag(step.value)
      problems.warning(
        offset,
        `${text} is never reached: ${said(action)} ${name} with all that is in it. Add a rule in front: { tag: ${name}, action: keep }`,
      )
    }
  }
}

function said(action: Decision['action']): string {
  const verbs = {
    remove: 'the table removes',
    empty: 'the table empties',
    dummy: 'the table replaces',
  }
  return verbs[action as keyof typeof verbs] ?? `the table does ${action} with`
}

/** A rule that lets pass what the table does not is the project's decision, and shall not be overlooked. */
function lintRetained(rule: Rule, table: Table, offset: number, problems: Problems): void {
  const { kind } = rule.action
  if (kind !== 'keep' && kind !== 'extract') return
  for (const selector of rule.selectors) {
    if (selector.target.kind === 'private') {
      if (kind === 'keep') {
        problems.warning(
          offset,
          `retained against the table: ${selector.text}, which is private; see that no value of it identifies anybody`,
        )
      }
      continue
    }
    const against = attributesOf(selector).filter((tag) => {
      const { action } = table(tag)
      return action !== 'keep' && action !== 'clean' && !(vrOf(tag) === 'SQ')
    })
    if (against.length === 0) continue
    const names = against
      .slice(0, mostNamed)
      .map((tag) => `${keywordOf(tag) ?? formatTag(tag)} (${byTable(table(tag))})`)
    const more = against.length > mostNamed ? ` and ${String(against.length - mostNamed)} more` : ''
    const part = kind === 'extract' ? 'a part is retained' : 'retained'
    problems.warning(offset, `${part} against the table: ${names.join(', ')}${more}`)
    const personal = against.filter((tag) => isPersonal(tag, vrOf(tag) ?? ''))
    if (kind === 'keep' && personal.length > 0) {
      const named = personal.slice(0, mostNamed).map((tag) => keywordOf(tag) ?? formatTag(tag))
      problems.warning(
        offset,
        `${named.join(', ')} ${personal.length === 1 ? 'says' : 'say'} who the patient or a member of the staff is: the search afterwards finds what is kept, and holds the study. Take hash, set or extract`,
      )
    }
  }
}

function byTable({ action, because }: Decision): string {
  return `${because === 'unlisted' ? 'not in the table' : 'in the table'}: ${action}`
}

/** Attributes of the standard that a selector selects somewhere. */
function attributesOf(selector: Selector): number[] {
  const { target } = selector
  if (target.kind === 'tag' && target.mask === allBits) return [target.value]
  const anywhere = { ...selector, around: [], isAnchored: false }
  const all = [...knownKeywords()].flatMap((keyword) => tagOf(keyword) ?? [])
  return all.filter((tag) => selects(anywhere, { tag, path: [], creator: undefined }))
}

function lintAction({ action, selectors }: Rule, offset: number, problems: Problems): void {
  if (action.kind !== 'hash') return
  const isOriginal = action.style === 'original'
  if (isOriginal) {
    problems.warning(
      offset,
      'a hash of the original style is made without a secret: whoever can guess a value can prove it. Only to continue what was begun so',
    )
  }
  const least = isOriginal ? shortestDigits : shortestHash
  const { length } = action
  if (length !== undefined && length < least) {
    problems.warning(
      offset,
      `${String(length)} ${isOriginal ? 'digits' : 'characters'} are too few: different values of ${selectors.map(({ text }) => text).join(', ')} will become the same; ${String(least)} or more keep them apart`,
    )
  }
}

function lintPatterns({ when, action }: Rule, offset: number, problems: Problems): void {
  for (const { is } of when) {
    for (const wanted of is) {
      if (typeof wanted === 'string' || !wanted.isRisky) continue
      problems.warning(
        offset,
        `the pattern ${JSON.stringify(wanted.source)} could try more and more ways with each character: it is matched in bounded time, slowly`,
      )
    }
  }
  if (action.kind !== 'extract' || action.pattern.longestCaptured >= longestUsual) return
  problems.warning(
    offset,
    `of values of more than ${String(action.pattern.longestCaptured)} characters this pattern finds nothing: they become empty`,
  )
}

/** SH, LO and PN are shorter, descriptions mostly so. */
const longestUsual = 256
