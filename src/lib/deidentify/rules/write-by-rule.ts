import {
  type OutElement,
  decodeText,
  encodeText,
  isText,
  splitsAtBackslash,
} from '../../dicom/index.ts'
import type { Place } from '../place.ts'
import { isRegistered, normalUid } from '../pseudonyms.ts'
import type { Rewriting } from '../rewriting.ts'
import { originalDigits, originalUidWithoutRoot } from './original-style.ts'
import { renderTemplate } from './render-template.ts'
import type { RuleAction } from './rule.ts'
import { longestOf, misfit } from './vr-limits.ts'

type Writing = Extract<RuleAction, { kind: 'set' | 'hash' | 'extract' | 'uidWithoutRoot' }>

/** Longer values are no identifiers or descriptions. */
const longestRead = 1 << 20
/** 80 bits: that two of a million values become one is a chance of one in a trillion. */
const usualHashLength = 16

/** The element with what a rule writes; undefined where its value cannot be made, and nothing may remain of it. */
export function writeByRule(action: Writing, place: Place): OutElement | undefined {
  const { element, vr, rewriting } = place
  const value =
    action.kind === 'set' ? renderTemplate(action.value, rewriting) : replacing(action, place)
  const bytes = value === undefined ? undefined : encoded(value, place)
  if (bytes === undefined) return undefined
  rewriting.count(counted[action.kind])
  return { tag: element.tag, vr, value: bytes }
}

const counted = {
  set: 'replaced',
  hash: 'hashed',
  extract: 'extracted',
  uidWithoutRoot: 'uids',
} as const

function replacing(action: Exclude<Writing, { kind: 'set' }>, place: Place): string | undefined {
  const { element, vr, around, rewriting } = place
  if (element.items !== undefined || element.length > longestRead || !isText(vr)) return undefined
  if (action.kind === 'uidWithoutRoot') return withoutRoot(action.isPadded, place)
  const bytes = rewriting.file.bytes(element)
  const text = decodeText(bytes, vr, around.dataSet.characterSets).replaceAll('\0', ' ').trim()
  if (text === '') return ''
  if (action.kind === 'extract') return extracted(action, text, rewriting)
  const length = Math.min(action.length ?? usualHashLength, longestOf(vr) ?? usualHashLength)
  if (action.style === 'original') return originalHash(bytes, place).slice(0, length)
  const values = splitsAtBackslash(vr) ? text.split('\\') : [text]
  return values
    .map((one) => (one.trim() === '' ? '' : rewriting.pseudonyms.hash(one.trim(), length)))
    .join('\\')
}

/** The search afterwards looks for those that were replaced, as it does for all others. */
function withoutRoot(isPadded: boolean, { element, rewriting }: Place): string {
  const uids = rewriting.file.bytes(element).toString('latin1').split('\\').map(normalUid)
  return uids
    .map((uid) => {
      if (uid === '' || isRegistered(uid)) return uid
      rewriting.identity.uids.add(uid)
      return originalUidWithoutRoot(uid, isPadded)
    })
    .join('\\')
}

/** Of StudyID the original hashes the study's UID. */
function originalHash(bytes: Buffer, { element, rewriting }: Place): string {
  const StudyID = 0x00200010
  if (element.tag !== StudyID) return originalDigits(bytes)
  const { file, project } = rewriting
  const uid = normalUid(file.string(file.dataSet, 0x0020000d) ?? '')
  return originalDigits(Buffer.from(`${uid}${project}`, 'utf8'))
}

function extracted(
  { pattern, template, otherwise }: Extract<RuleAction, { kind: 'extract' }>,
  text: string,
  rewriting: Rewriting,
): string | undefined {
  const found = pattern.captures(text)
  if (found === undefined) {
    rewriting.count('unmatched')
    return otherwise
  }
  const parts = template.map((part) => (typeof part === 'number' ? (found[part] ?? '') : part))
  return parts
    .map((part) => (typeof part === 'string' ? part : renderTemplate([part], rewriting)))
    .join('')
}

/** What the VR or the character set cannot hold is not written. */
function encoded(value: string, { vr, around }: Place): Buffer | undefined {
  const values = splitsAtBackslash(vr) ? value.split('\\') : [value]
  if (values.some((one) => misfit(one, vr) !== undefined)) return undefined
  return encodeText(value, vr, around.dataSet.characterSets)
}
