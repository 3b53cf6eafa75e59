import {
  type DataSet,
  type Element,
  type OutElement,
  bytesPerUnit,
  decodeText,
  definedTermsOf,
  encodeText,
  isDeclaredText,
  isKnownVR,
  isPrivate,
  isText,
  splitsAtBackslash,
  textElement,
} from '../../dicom/index.ts'
import { toldAges } from '../dates/age.ts'
import { dummyValue } from './dummy.ts'
import { isPersonal } from '../search/identity-kinds.ts'
import { type Rewriting, newUid } from '../rewriting.ts'
import { longestOf } from '../rules/vr-limits.ts'
import type { Place } from '../place.ts'
import { normalUid } from '../pseudonyms.ts'
import { isTemporal, isTemporalVR } from '../dates/shift-date.ts'

const SpecificCharacterSet = 0x00080005
const FloatPixelData = 0x7fe00008
const PixelData = 0x7fe00010

/** Longer texts of coded, numeric and UID values are damage. */
const longestChecked = 1 << 20

/** A value that the profile keeps, if it is what its attribute says; not for sequences. */
export function keepValue(place: Place): OutElement | undefined {
  const { element, vr: expected, rewriting } = place
  const { dataSet, path } = place.around
  const { tag } = element
  if (tag >= FloatPixelData && tag <= PixelData) {
    return keepPixels(element, rewriting, path.length)
  }
  if (element.items !== undefined || element.fragments !== undefined) return malformed(rewriting)
  // Whatever VR it has, it was read.
  if (tag === SpecificCharacterSet) return keepCharacterSets(place)
  if (!isPlausible(element.vr, expected)) return malformed(rewriting)
  if (isTemporalVR(expected)) return keepTemporal(place)
  if (expected === 'AS') return keepAge(element, rewriting)
  if (expected === 'UI' && place.decision.because === 'option') noteKept(element, rewriting)
  const checked = checkedValue(place)
  if (checked !== undefined) return checked === 'otherwise' ? undefined : checked
  if (element.length > longestChecked && isText(expected)) return malformed(rewriting)
  const illegible = illegibleText(place)
  if (illegible !== undefined) return illegible === 'otherwise' ? undefined : illegible
  const renamed = withNewUids(place)
  if (renamed !== undefined) return renamed === 'otherwise' ? undefined : renamed
  return copyOf(dataSet, element, expected, rewriting)
}

/** Pixels pass by as ranges of the file. Anywhere but at the top there are icons only, and they go. */
function keepPixels(element: Element, rewriting: Rewriting, depth: number): OutElement | undefined {
  if (depth > 0 || element.items !== undefined || isText(element.vr)) return malformed(rewriting)
  return { tag: element.tag, vr: element.vr, copy: element }
}

function malformed(rewriting: Rewriting): undefined {
  rewriting.count('malformed')
  return undefined
}

const formal = new Set('AE AS CS DA DS DT IS TM UI'.split(' '))

/**
 * Does the VR found suit the one expected? Numbers for numbers and text for text, with the exception
 * that matters: text where a code or number should be may be anything.
 */
function isPlausible(found: string, expected: string): boolean {
  if (found === expected || found === 'UN') return true
  if (!isKnownVR(found) || found === 'SQ') return false
  if (!isText(expected)) return !isText(found)
  return formal.has(expected) ? formal.has(found) : isText(found)
}

/**
 * Values whose VR allows few characters are held to it: what else is in them is not what it claims to be.
 * `otherwise`: the decision says what is done with such a value as a whole.
 */
function checkedValue(place: Place): OutElement | 'otherwise' | undefined {
  const { element, vr: expected, rewriting } = place
  const allowed = allowedCharacters[expected]
  if (allowed === undefined || element.length === 0 || element.length > longestChecked) return
  const value = rewriting.file.bytes(element).toString('latin1')
  if (allowed.test(value)) return
  rewriting.count('malformed')
  if (place.decision.otherwise !== undefined) return 'otherwise'
  const values = value.split('\\').map((one) => {
    if (allowed.test(one)) return one
    return expected === 'CS' ? 'ANONYMIZED' : ''
  })
  return textElement(element.tag, expected, values.join('\\'))
}

/**
 * Bytes that the declared character sets do not have may be read as anything: a dummy stands for such a text, for in some
 * objects there must be one.
 */
function illegibleText(place: Place): OutElement | 'otherwise' | undefined {
  const { around, element, vr, rewriting } = place
  if (!isText(vr) || element.length === 0) return undefined
  const bytes = rewriting.file.bytes(element)
  if (isDeclaredText(bytes, vr, around.dataSet.characterSets)) return undefined
  rewriting.count('malformed')
  if (place.decision.otherwise !== undefined) return 'otherwise'
  return { tag: element.tag, vr, value: dummyValue(vr, bytes) }
}

/** Where no option keeps all of them, what is kept here may be replaced elsewhere. */
function noteKept(element: Element, { file, profile, identity }: Rewriting): void {
  if (profile.options.has('retainUids') || element.length > longestChecked) return
  for (const uid of file.bytes(element).toString('latin1').split('\\'))
    identity.keptUids.add(normalUid(uid))
}

const allowedCharacters: Readonly<Record<string, RegExp>> = {
  CS: /^[\x20-\x5b\x5d-\x7e\0]{0,18}(?:\\[\x20-\x5b\x5d-\x7e\0]{0,18})*$/,
  DS: /^[-+0-9.eE \\\0]*$/,
  IS: /^[-+0-9 \\\0]*$/,
  UI: /^[0-9. \\\0]*$/,
}

/** A date or time that an option keeps; no later search shall take it for one that slipped through. */
function keepTemporal({ element, vr, decision, rewriting }: Place): OutElement | undefined {
  if (element.length > longestChecked) return malformed(rewriting)
  const value = rewriting.file.bytes(element).toString('latin1')
  if (!isTemporal(value, vr)) return malformed(rewriting)
  const isWanted = decision.because !== 'base' && !isPersonal(element.tag, vr)
  if (isWanted) rewriting.identity.noteWritten(value, vr, isPrivate(element.tag))
  return textElement(element.tag, vr, value)
}

function keepAge(element: Element, rewriting: Rewriting): OutElement | undefined {
  if (element.length > longestChecked) return malformed(rewriting)
  const ages = toldAges(rewriting.file.bytes(element).toString('latin1'))
  return ages === undefined ? malformed(rewriting) : textElement(element.tag, 'AS', ages)
}

/**
 * As all text was read by them: as they are where the standard spells them so, and otherwise as it does. Of two elements
 * of this tag, which is an error, the values of the one that was believed.
 */
function keepCharacterSets({ around, element, rewriting }: Place): OutElement | undefined {
  const { characterSets } = around.dataSet
  const terms = definedTermsOf(characterSets)
  if (terms === undefined) {
    rewriting.reasons.add('unknown-character-set', '(0008,0005) SpecificCharacterSet')
    return undefined
  }
  const isSpelled = characterSets.every(
    (term, at) => term === terms[at] || /^ISO 2022 IR \d+$/.test(term),
  )
  const isKept = isSpelled && terms.length === characterSets.length
  return textElement(element.tag, 'CS', (isKept ? characterSets : terms).join('\\'))
}

/** Of the root 2.25, or of six components and more. */
const uidInText = /(?<![\d.])(?:2\.25\.\d{10,39}(?![\d.])|\d+(?:\.\d+){5,})/g
/** What is shorter is a version, an address or a number of a section. */
const shortestUid = 16
const longTexts = new Set('LO LT ST UC UT'.split(' '))

/**
 * A kept text with UIDs in it has the new ones: which of them the study has is not known before all of it is read, and an
 * old one is nobody's business in any case. Undefined where there is none; `otherwise` where they do not fit.
 */
function withNewUids({
  around,
  element,
  vr,
  rewriting,
}: Place): OutElement | 'otherwise' | undefined {
  const { tag, length } = element
  if (!longTexts.has(vr) || length < shortestUid || length > longestChecked) return undefined
  const bytes = rewriting.file.bytes(element)
  // Decoding takes long, and few texts have a UID in them.
  if (!bytes.toString('latin1').match(uidInText)) return undefined
  const { characterSets } = around.dataSet
  const original = decodeText(bytes, vr, characterSets)
  const written = original.replace(uidInText, (found) => {
    const isOne = found.length >= shortestUid && found.length <= 64
    return isOne ? newUid(found, rewriting) : found
  })
  if (written === original) return undefined
  const values = splitsAtBackslash(vr) ? written.split('\\') : [written]
  const isTooLong = values.some((one) => one.trim().length > (longestOf(vr) ?? 0))
  const value = isTooLong ? undefined : encodeText(written, vr, characterSets)
  rewriting.count(value === undefined ? 'malformed' : 'uids')
  return value === undefined ? 'otherwise' : { tag, vr, value }
}

/** The value as it is; numbers of the other byte order (items inside UN) are turned round. */
function copyOf(
  dataSet: DataSet,
  element: Element,
  expected: string,
  { file }: Rewriting,
): OutElement {
  const { tag } = element
  const vr = writtenVR(dataSet, element, expected)
  const unit = bytesPerUnit(vr)
  if (dataSet.littleEndian === file.littleEndian || unit === 1 || element.length % unit !== 0) {
    return { tag, vr, copy: element }
  }
  const value = file.bytes(element)
  if (unit === 2) value.swap16()
  else if (unit === 4) value.swap32()
  else value.swap64()
  return { tag, vr, value }
}

/** What stands in a private UN is known where it is kept; its bytes are little endian (PS3.5 6.2.2). */
function writtenVR({ littleEndian }: DataSet, { tag, vr }: Element, expected: string): string {
  const isKnown = vr === 'UN' && isPrivate(tag) && (littleEndian || bytesPerUnit(expected) === 1)
  return isKnown ? expected : vr
}
