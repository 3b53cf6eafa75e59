import { keywordOf, vrOf } from '../../dicom/index.ts'
import { misfit } from '../rules/vr-limits.ts'
import { bodyParts } from './body-parts.ts'
import type { RuleText } from './schema.ts'

/**
 * Rules as the original FIONA's anonymizer takes them on its command line: `--tagchange gggg,eeee=ACTION` and
 * `--regtagchange gggg,eeee=REGEX`. Its actions, and what they are with us:
 */
const actions: Readonly<Record<string, Omit<RuleText, 'tag'>>> = {
  keep: { action: 'keep' },
  remove: { action: 'remove' },
  empty: { action: 'empty' },
  hash: { action: 'hash' },
  hashuid: { action: 'uid', withoutRoot: true },
  'hashuid+PROJECTNAME': { action: 'uid' },
  incrementdate: { action: 'shiftDate' },
  incrementdatetime: { action: 'shiftDate' },
  ProjectName: { action: 'set', value: '{project}' },
  PROJECTNAME: { action: 'set', value: '{project}' },
  PatientID: { action: 'set', value: '{participant}' },
  EventName: { action: 'set', value: '{event}' },
  createIfMissing: { action: 'set', value: '' },
  BODYPART: {
    action: 'extract',
    pattern: `^(?:${bodyParts.join('|')})$`,
    template: '$0',
    otherwise: 'BODYPART',
  },
}

/** What the original writes where its pattern matches nothing. */
const noMatch = 'FIONA: no match on regular expression'

type Read = RuleText | { readonly problem: string }

/** @param text `0008,0080=PROJECTNAME` */
export function readTagChange(text: string): Read {
  const read = split(text)
  if ('problem' in read) return read
  const { tag, right } = read
  const known = Object.hasOwn(actions, right) ? actions[right] : undefined
  if (known !== undefined) return { tag, ...known }
  if (right === 'SITENAME') {
    return {
      problem: 'SITENAME: write the name of the site in its place; a profile knows no sites',
    }
  }
  if (right === 'regexp') return { problem: 'regexp belongs to regtagchange: gggg,eeee=REGEX' }
  return { tag, action: 'set', value: braced(right) }
}

/** @param text `0008,103e=^(t1|t2)_` ; what the groups matched, with blanks between */
export function readRegTagChange(text: string): Read {
  const read = split(text)
  if ('problem' in read) return read
  const { tag, number, right } = read
  const isFitting = misfit(noMatch, vrOf(number) ?? '') === undefined
  return { tag, action: 'extract', pattern: right, ...(isFitting ? { otherwise: noMatch } : {}) }
}

/** Whoever goes on with the original's list, and not with its UIDs, has one way for all of them. */
export function withKeyedUid(rule: RuleText): RuleText {
  const keyed = { ...rule }
  delete keyed.withoutRoot
  return keyed
}

/** Braces mean something in ours only. */
export function braced(literal: string): string {
  return literal.replaceAll('{', '{{').replaceAll('}', '}}')
}

function split(
  text: string,
): { tag: string; number: number; right: string } | { readonly problem: string } {
  const match =
    /^\s*(?:--(?:reg)?tagchange[= ]\s*)?"?([0-9a-f]{4}),\s*([0-9a-f]{4})=(.*?)"?\s*$/i.exec(text)
  const [, group = '', element = '', right = ''] = match ?? []
  if (match === null || right === '') {
    return { problem: `${JSON.stringify(text.slice(0, 60))} is not of the form gggg,eeee=…` }
  }
  const number = Number.parseInt(group + element, 16)
  return { tag: keywordOf(number) ?? `(${group},${element})`.toUpperCase(), number, right }
}
