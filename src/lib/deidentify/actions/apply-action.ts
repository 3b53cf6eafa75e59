import {
  type OutElement,
  decodeText,
  encodeText,
  formatTag,
  isPrivate,
  isText,
  keywordOf,
  splitsAtBackslash,
  textElement,
} from '../../dicom/index.ts'
import { isUid } from '../../uid/index.ts'
import type { Action, Decision } from './action.ts'
import { cleanedContent } from '../content/clean-content.ts'
import { cleanText } from '../descriptors/clean-text.ts'
import { referencesOf, withoutGraphics } from '../content/content.ts'
import { dummySequence } from './dummy-sequence.ts'
import { dummyValue } from './dummy.ts'
import { keepValue } from './keep-value.ts'
import { noteIdentity } from '../search/note-identity.ts'
import { ContentTag as Tag } from '../content/content-tags.ts'
import type { Place } from '../place.ts'
import { isOfRegion } from './region-overlays.ts'
import { normalUid } from '../pseudonyms.ts'
import { newUid } from '../rewriting.ts'
import { isTemporalVR, shiftTemporal } from '../dates/shift-date.ts'

/** No list of UIDs or dates, and no description, is that long. */
const longestChanged = 1 << 20

/** Undefined: it cannot be done with the value that is there, and the decision says what is done instead. */
type Apply = (place: Place) => OutElement | undefined

const appliers: Readonly<Record<Exclude<Action, 'remove' | 'write'>, Apply>> = {
  keep,
  empty,
  dummy,
  uid: newUids,
  shiftDate: shiftDates,
  clean,
}

/** What passes is no secret, and the output is not searched for it. Of UIDs the new one passes, and `newUid` notes the old. */
const passing = new Set<Action>(['keep', 'uid'])

/**
 * What goes out for an element, by what was decided for it; undefined for nothing. What does not pass is noted, so
 * that the output can be searched for it.
 */
export function applyAction(decision: Decision, place: Place): OutElement | undefined {
  const { action, because, otherwise = 'remove' } = decision
  const passes = passing.has(action)
  // What a rule, or the want of one, lets pass may be what nothing lets pass: that is noted, too.
  if (!passes || because === 'rule' || because === 'base') {
    noteIdentity(place.around, place.element, place.rewriting)
  }
  if (action === 'remove') return removed(place, because)
  const result = action === 'write' ? decision.write?.(place) : appliers[action](place)
  if (result !== undefined || action === otherwise) return result
  if (passes) noteIdentity(place.around, place.element, place.rewriting)
  if (otherwise !== 'remove') return appliers[otherwise](place)
  // What could not be kept is counted as malformed already.
  return passes ? undefined : removed(place, because)
}

function removed({ rewriting }: Place, because: Decision['because']): undefined {
  rewriting.count(because === 'private' || because === 'unlisted' ? because : 'removed')
  return undefined
}

function keep(place: Place): OutElement | undefined {
  if (place.vr === 'SQ') return keepSequence(place)
  return isPrivateUid(place) ? newUids(place) : keepValue(place)
}

/**
 * What makers write into blocks that are kept points at the objects of the study, as UIDs of the standard do. In implicit VR, where
 * nobody says what it is, whatever is a UID and nothing else.
 */
function isPrivateUid({ element, vr, rewriting: { file } }: Place): boolean {
  const { tag, length } = element
  if (!isPrivate(tag)) return false
  if (vr !== 'UN' || length < 16 || length > 64) return vr === 'UI'
  const text = normalUid(file.bytes(element).toString('latin1'))
  return /^(?:2\.25\.|(?:\d+\.){5})/.test(text) && isUid(text)
}

function empty({ element: { tag }, vr, rewriting }: Place): OutElement {
  rewriting.count('emptied')
  return vr === 'SQ' ? { tag, vr: 'SQ', items: [] } : { tag, vr, value: Buffer.alloc(0) }
}

function dummy(place: Place): OutElement | undefined {
  const { element, vr, rewriting } = place
  const { tag } = element
  if (vr === 'UI') return newUids(place)
  rewriting.count('replaced')
  if (vr === 'SQ') {
    if (tag === Tag.ContentSequence) return { tag, vr, items: referencesOf(place) }
    if (tag === Tag.GraphicAnnotationSequence) return { tag, vr, items: withoutGraphics(place) }
    return { tag, vr, items: dummySequence(tag, rewriting) }
  }
  const original = element.length <= 64 && element.items === undefined ? element : undefined
  const bytes = original === undefined ? Buffer.alloc(0) : rewriting.file.bytes(original)
  return { tag, vr, value: dummyValue(vr, bytes) }
}

function newUids({ element, rewriting }: Place): OutElement | undefined {
  const { tag } = element
  if (element.items !== undefined || element.length > longestChanged) {
    rewriting.count('malformed')
    return undefined
  }
  rewriting.count('uids')
  const originals = rewriting.file.bytes(element).toString('latin1').split('\\')
  return textElement(tag, 'UI', originals.map((original) => newUid(original, rewriting)).join('\\'))
}

function shiftDates({ element, vr, rewriting }: Place): OutElement | undefined {
  const { tag, length, items } = element
  const { days, file, identity } = rewriting
  if (days === 0 || items !== undefined || length > longestChanged) return undefined
  const shifted = shiftTemporal(file.bytes(element).toString('latin1'), vr, days)
  if (shifted === undefined) return undefined
  rewriting.count('shifted')
  identity.noteWritten(shifted, vr)
  return textElement(tag, vr, shifted)
}

/** Nothing is left of a text that says nothing known to be harmless; bytes and names cannot be cleaned. */
function clean(place: Place): OutElement | undefined {
  const { around, element, vr, rewriting } = place
  const { tag, length, items } = element
  if (vr === 'SQ') return isContent(place) ? cleanContent(place) : keepSequence(place)
  if (tag >>> 24 === 0x60) return isOfRegion(tag, around) ? keepValue(place) : undefined
  if (vr === 'UI') return newUids(place)
  if (isTemporalVR(vr)) return shiftDates(place)
  if (vr === 'AS') return keepValue(place)
  if (items !== undefined || length > longestChanged || !isText(vr) || vr === 'PN') return undefined
  const { characterSets } = around.dataSet
  const original = decodeText(rewriting.file.bytes(element), vr, characterSets)
  const values = splitsAtBackslash(vr) ? original.split('\\') : [original]
  const cleaned = values.map((value) =>
    cleanText(value, rewriting.profile.vocabulary, rewriting.unwanted()),
  )
  if (cleaned.every((value) => value === '')) return undefined
  const joined = cleaned.join('\\')
  const value = encodeText(vr === 'CS' ? joined.toUpperCase() : joined, vr, characterSets)
  if (value === undefined || (vr === 'CS' && !/^[A-Z0-9 _\\]*$/.test(joined.toUpperCase()))) {
    return undefined
  }
  rewriting.count('cleaned')
  return { tag, vr, value }
}

/** A sequence of content items (PS3.3 10.2 and C.17.3). */
function isContent({ element: { tag, items } }: Place): boolean {
  return (
    (tag === Tag.ContentSequence || tag === Tag.AcquisitionContextSequence) && items !== undefined
  )
}

function cleanContent(place: Place): OutElement {
  return { tag: place.element.tag, vr: 'SQ', items: cleanedContent(place) }
}

function keepSequence({ around, element, rewriting, rewriteItem }: Place): OutElement | undefined {
  const { tag, items, length } = element
  if (items === undefined && length > 0) {
    const name = `${formatTag(tag)} ${keywordOf(tag) ?? ''}`.trim()
    rewriting.reasons.add('unreadable-value', name)
    return undefined
  }
  return {
    tag,
    vr: 'SQ',
    items: (items ?? []).map((item) => rewriteItem(around.inside(tag, item))),
  }
}
