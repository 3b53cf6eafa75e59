import { isKnownVR, tagOf, vrOf } from '../../dicom/index.ts'
import { allBits } from '../rules/matching.ts'
import type { Selector, TagMask, Target } from '../rules/rule.ts'
import { untouchableBecause } from '../rules/untouchable.ts'
import { unknownKeyword } from './unknown-keyword.ts'

/** Why something is no selector. */
export interface NoSelector {
  readonly problem: string
}

const deepest = 64

/**
 * The ways to name attributes: `SeriesDescription`, `(0008,103E)`, `(50xx,0010)` where x is any digit, and
 * `(0019,[SIEMENS MR HEADER],0C)` by the creator of a private block. At any depth; within certain sequences by
 * `A/B`, `A/* /B` (any sequence, without the blank), and at the top of the object only by a slash in front.
 */
export function readSelector(text: string): Selector | NoSelector {
  const parts = splitPath(text.trim())
  const isAnchored = parts[0] === ''
  const steps = isAnchored ? parts.slice(1) : parts
  const last = steps.pop()
  if (last === undefined || last === '' || steps.includes('')) {
    return { problem: `${JSON.stringify(text)} names no attribute` }
  }
  if (steps.length > deepest) return { problem: `more than ${String(deepest)} sequences` }
  const around: (TagMask | undefined)[] = []
  for (const step of steps) {
    const read = step === '*' ? undefined : readTarget(step)
    if (read !== undefined && 'problem' in read) return read
    if (read?.kind === 'private')
      return { problem: `${step}: private sequences cannot be in a path` }
    if (read?.kind === 'tag' && read.mask === allBits && (vrOf(read.value) ?? 'SQ') !== 'SQ') {
      return { problem: `${step} is no sequence` }
    }
    around.push(read === undefined || read.kind !== 'tag' ? undefined : read)
  }
  const target = readTarget(last)
  if ('problem' in target) return target
  const reason =
    target.kind === 'tag' && target.mask === allBits && untouchableBecause(target.value)
  if (typeof reason === 'string') {
    const isUid =
      last === 'StudyInstanceUID' || last === 'SeriesInstanceUID' || last === 'SOPInstanceUID'
    const instead = isUid ? 'it is always replaced by its new UID' : 'no rule may change it'
    return { problem: `${last} ${reason}: ${instead}` }
  }
  return { text: text.trim(), isAnchored, around, target }
}

/** All standard attributes of these VRs. */
export function readVrs(vrs: readonly string[]): Selector | NoSelector {
  for (const vr of vrs) {
    if (isKnownVR(vr) && vr !== 'SQ') continue
    return {
      problem: vr === 'SQ' ? 'sequences are named one by one' : `${JSON.stringify(vr)} is no VR`,
    }
  }
  return {
    text: `vr ${vrs.join(', ')}`,
    isAnchored: false,
    around: [],
    target: { kind: 'vr', vrs },
  }
}

/** A creator may have a slash in its name. */
function splitPath(text: string): string[] {
  const parts = ['']
  let isInside = false
  for (const character of text) {
    if (character === '[') isInside = true
    if (character === ']') isInside = false
    if (character === '/' && !isInside) parts.push('')
    else parts[parts.length - 1] += character
  }
  return parts
}

function readTarget(text: string): Target | NoSelector {
  const ofCreator = /^\(([0-9a-f]{4}),\s*\[([^[\]]+)\],\s*([0-9a-fx]{2})\)$/i.exec(text)
  if (ofCreator !== null) {
    const [, group = '', creator = '', element = ''] = ofCreator
    const number = Number.parseInt(group, 16)
    if (number % 2 === 0) return { problem: `${text}: private groups are odd` }
    const { value, mask } = maskOf(element)
    return { kind: 'private', group: number, creator: creator.trim(), element: value, mask }
  }
  const digits = /^\(?([0-9a-fx]{4}),\s*([0-9a-fx]{4})\)?$|^([0-9a-f]{8})$/i.exec(text)
  if (digits !== null) return ofDigits(digits[3] ?? `${digits[1] ?? ''}${digits[2] ?? ''}`, text)
  if (text.startsWith('(')) {
    return {
      problem: `${JSON.stringify(text)} is no tag; a tag is (0008,103E), or (0019,[SIEMENS MR HEADER],0C) for a private one`,
    }
  }
  const tag = tagOf(text)
  if (tag === undefined) return { problem: unknownKeyword(text) }
  // Overlays and curves are in any group of these.
  const isRepeating = tag >>> 24 === 0x50 || tag >>> 24 === 0x60
  return isRepeating
    ? { kind: 'tag', value: (tag & 0xff00ffff) >>> 0, mask: 0xff00ffff }
    : { kind: 'tag', value: tag, mask: allBits }
}

function ofDigits(digits: string, text: string): Target | NoSelector {
  const { value, mask } = maskOf(digits)
  return value === 0 ? { problem: `${text} selects everything` } : { kind: 'tag', value, mask }
}

function maskOf(digits: string): TagMask {
  const value = Number.parseInt(digits.replace(/x/gi, '0'), 16)
  const mask = Number.parseInt(digits.replace(/[^x]/gi, 'f').replace(/x/gi, '0'), 16)
  return { value, mask }
}
