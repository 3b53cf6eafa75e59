import { vrOf } from '../../dicom/index.ts'
import { allBits } from '../rules/matching.ts'
import type { UidStyle } from '../profile/profile.ts'
import type { Rule, RuleAction, Selector, Style, TagMask, Template } from '../rules/rule.ts'
import { longestOf, misfit } from '../rules/vr-limits.ts'
import type { Problems } from './problems.ts'
import { readConditions, readPattern } from './read-conditions.ts'
import { readSelector, readVrs } from './read-selector.ts'
import { readExtractTemplate, readTemplate, wrongText } from './read-template.ts'
import type { RuleText } from './schema.ts'
import type { Key, Source } from './source.ts'

/** The keys that say more about an action. */
const keysOf: Readonly<Partial<Record<RuleText['action'], readonly (keyof RuleText)[]>>> = {
  set: ['value', 'create'],
  hash: ['length', 'style'],
  uid: ['withoutRoot'],
  extract: ['pattern', 'template', 'otherwise'],
}
const detailKeys = [
  'value',
  'create',
  'length',
  'style',
  'withoutRoot',
  'pattern',
  'template',
  'otherwise',
] as const

/** What may be said of sequences, of masks that stand for several attributes, and of private attributes. */
const ofAny = new Set<RuleText['action']>(['keep', 'remove', 'empty', 'dummy', 'review', 'drop'])
const ofPrivate = new Set<RuleText['action']>(['keep', 'remove', 'empty', 'review', 'drop'])
/** What can be said of an attribute of which only the number is known. */
const ofUnknown = new Set<RuleText['action']>(['remove', 'review', 'drop'])

const hashable = new Set('AE CS LO LT PN SH ST UC UT'.split(' '))

/** How the profile has hashes and UIDs made, where a rule does not say it. */
export interface Styles {
  readonly hashStyle: Style
  readonly uidStyle: UidStyle
}

/** One of `rules`. Undefined where a mistake left nothing of it. */
export function readRule(
  text: RuleText,
  keys: readonly Key[],
  source: Source,
  problems: Problems,
  styles: Styles,
): Rule | undefined {
  const at = (key: keyof RuleText) => source.at([...keys, key])
  const offset = source.at(keys)
  const selectors = readSelectors(text, at, offset, problems)
  const when =
    text.when === undefined ? [] : readConditions(text.when, [...keys, 'when'], source, problems)
  for (const key of detailKeys) {
    if (text[key] === undefined || keysOf[text.action]?.includes(key) === true) continue
    const owner = Object.entries(keysOf).find(([, own]) => own.includes(key))?.[0] ?? ''
    problems.mistake(
      source.at([...keys, key], true),
      `"${key}" belongs to ${owner}, not to ${text.action}`,
    )
  }
  const action = readAction(text, at, offset, problems, styles)
  if (action === undefined) return undefined
  for (const selector of selectors) {
    const problem = unfit(selector, text.action, action)
    if (problem !== undefined) problems.mistake(at(text.vr === undefined ? 'tag' : 'vr'), problem)
  }
  return { line: problems.lineOf(offset), selectors, when, action }
}

function readSelectors(
  { tag, vr, when, action }: RuleText,
  at: (key: keyof RuleText) => number,
  offset: number,
  problems: Problems,
): Selector[] {
  if (tag !== undefined && vr !== undefined) {
    problems.mistake(offset, 'a rule has "tag" or "vr", not both')
  }
  if (tag === undefined && vr === undefined) {
    // A whole object can be left out, or looked at, for what it is.
    const isOfObject = (action === 'drop' || action === 'review') && when !== undefined
    if (!isOfObject)
      problems.mistake(offset, 'a rule without "tag": which attribute does it speak of?')
    return []
  }
  return vr === undefined
    ? listOf(tag ?? []).flatMap((one) => sound(readSelector(one), at('tag'), problems))
    : sound(readVrs(listOf(vr)), at('vr'), problems)
}

function sound(
  read: Selector | { readonly problem: string },
  offset: number,
  problems: Problems,
): Selector[] {
  if (!('problem' in read)) return [read]
  problems.mistake(offset, read.problem)
  return []
}

/**
 * What is wrong with those keys of a rule that can be read, where its others cannot.
 * @param rest what has the form that it must have
 */
export function checkParts(
  { tag, vr, when, pattern }: Partial<RuleText>,
  keys: readonly Key[],
  source: Source,
  problems: Problems,
): void {
  const at = (key: keyof RuleText) => source.at([...keys, key])
  for (const one of listOf(tag ?? [])) sound(readSelector(one), at('tag'), problems)
  if (vr !== undefined) sound(readVrs(listOf(vr)), at('vr'), problems)
  if (when !== undefined) readConditions(when, [...keys, 'when'], source, problems)
  if (pattern !== undefined) readPattern(pattern, at('pattern'), problems)
}

function listOf(one: string | readonly string[]): readonly string[] {
  return typeof one === 'string' ? [one] : one
}

function readAction(
  text: RuleText,
  at: (key: keyof RuleText) => number,
  offset: number,
  problems: Problems,
  { hashStyle, uidStyle }: Styles,
): RuleAction | undefined {
  switch (text.action) {
    case 'set': {
      if (text.value === undefined) {
        problems.mistake(
          offset,
          'set without "value": what shall it be? For nothing at all there is empty',
        )
        return undefined
      }
      const value = readTemplate(text.value)
      if ('problem' in value) {
        problems.mistake(at('value'), value.problem)
        return undefined
      }
      return { kind: 'set', value, create: text.create ?? true }
    }
    case 'hash':
      return { kind: 'hash', length: text.length, style: text.style ?? hashStyle }
    case 'uid':
      if (text.withoutRoot !== true) return { kind: 'uid' }
      if (uidStyle === 'keyed') {
        problems.mistake(
          at('withoutRoot'),
          'UIDs without a root are a way of the original FIONA: it needs uidStyle: original',
        )
      }
      return { kind: 'uidWithoutRoot', isPadded: uidStyle === 'original' }
    case 'extract':
      return readExtract(text, at, offset, problems)
    default:
      return { kind: text.action }
  }
}

function readExtract(
  text: RuleText,
  at: (key: keyof RuleText) => number,
  offset: number,
  problems: Problems,
): RuleAction | undefined {
  if (text.pattern === undefined) {
    problems.mistake(offset, 'extract without "pattern"')
    return undefined
  }
  const pattern = readPattern(text.pattern, at('pattern'), problems)
  if (pattern === undefined) return undefined
  if (pattern.longestCaptured < shortestText) {
    problems.mistake(
      at('pattern'),
      'this pattern has repetitions within repetitions, or too many: what its groups match cannot be found in bounded time',
    )
  }
  const written =
    text.template ??
    (pattern.groups === 0
      ? '$0'
      : Array.from({ length: pattern.groups }, (_, n) => `$${String(n + 1)}`).join(' '))
  const template = readExtractTemplate(written, pattern.groups)
  if ('problem' in template) {
    problems.mistake(at('template'), template.problem)
    return undefined
  }
  const wrong = text.otherwise === undefined ? undefined : wrongText(text.otherwise)
  if (wrong !== undefined) problems.mistake(at('otherwise'), wrong)
  return { kind: 'extract', pattern, template, otherwise: text.otherwise }
}

/** LO has 64 characters: a pattern that cannot take those is of no use. */
const shortestText = 64

/** Why an action cannot be done with what a selector selects. */
function unfit(
  { target, text }: Selector,
  name: RuleText['action'],
  action: RuleAction,
): string | undefined {
  if (target.kind === 'private') {
    return ofPrivate.has(name)
      ? undefined
      : `${name} needs the VR of ${text}, which no dictionary has; ${orList(ofPrivate)}`
  }
  if (target.kind === 'vr') return firstOf(target.vrs.map((vr) => unfitVr(vr, text, name, action)))
  const isPrivateGroup = (target.value & 0x10000) !== 0
  if (isPrivateGroup) {
    return ofUnknown.has(name)
      ? undefined
      : `${text} is private: its number differs from object to object; write (gggg,[CREATOR],ee), with the creator of its block`
  }
  if (target.mask !== allBits && !isRepeatingGroup(target)) {
    return ofAny.has(name) ? undefined : `${text} stands for several attributes; ${orList(ofAny)}`
  }
  const vr = vrOf(target.value)
  if (vr === undefined) {
    return ofUnknown.has(name)
      ? undefined
      : `${text} is not in the data dictionary; ${orList(ofUnknown)}`
  }
  return unfitVr(vr, text, name, action)
}

/** One attribute in each of the groups of curves or overlays. */
function isRepeatingGroup({ value, mask }: TagMask): boolean {
  return mask === 0xff00ffff && (value >>> 24 === 0x50 || value >>> 24 === 0x60)
}

function orList(names: ReadonlySet<string>): string {
  return `possible are ${[...names].join(', ')}`
}

function firstOf(problems: readonly (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined)
}

function unfitVr(vr: string, text: string, name: string, action: RuleAction): string | undefined {
  const is = `${text} is ${vr}`
  switch (action.kind) {
    case 'set': {
      const literal = literalOf(action.value)
      const problem =
        literal === undefined
          ? longestOf(vr) === undefined
            ? `${vr} holds no text`
            : undefined
          : misfit(literal, vr)
      return problem === undefined ? undefined : `${is}: ${problem}`
    }
    case 'hash': {
      if (!hashable.has(vr))
        return `${is}: a hash is text, which it does not hold; possible for ${[...hashable].join(', ')}`
      const most = longestOf(vr) ?? 0
      return action.length !== undefined && action.length > most
        ? `${is}: it has ${String(most)} characters at most`
        : undefined
    }
    case 'extract': {
      if (longestOf(vr) === undefined || vr === 'UI')
        return `${is}: there is no text to extract from`
      const problem = action.otherwise === undefined ? undefined : misfit(action.otherwise, vr)
      return problem === undefined ? undefined : `${is}: ${problem}`
    }
    case 'uid':
    case 'uidWithoutRoot':
      return vr === 'UI' ? undefined : `${is}, not UI`
    case 'shiftDate':
      return vr === 'DA' || vr === 'DT' ? undefined : `${is}: only DA and DT can be shifted`
    case 'clean':
      return hashable.has(vr) ? undefined : `${is}: only text can be cleaned`
    default:
      return ofAny.has(action.kind) ? undefined : `${name} cannot be done with ${is}`
  }
}

/** The whole text, where the request has no part in it. */
function literalOf(value: Template): string | undefined {
  return value.every((part) => typeof part === 'string') ? value.join('') : undefined
}
