import {
  type DataSet,
  type Element,
  type OutElement,
  bytesPerUnit,
  isKnownCharacterSet,
  isKnownVR,
  isPrivate,
  isText,
} from '../../dicom/index.ts'
import { toldAges } from '../dates/age.ts'
import { isPersonal } from '../search/identity-kinds.ts'
import { type Rewriting, text } from '../rewriting.ts'
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
  if (!isPlausible(element.vr, expected)) return malformed(rewriting)
  if (tag === SpecificCharacterSet) checkCharacterSets(dataSet, rewriting)
  if (isTemporalVR(expected)) return keepTemporal(place)
  if (expected === 'AS') return keepAge(element, rewriting)
  if (expected === 'UI' && place.decision.because === 'option') noteKept(element, rewriting)
  const checked = checkedValue(place)
  if (checked !== undefined) return checked === 'otherwise' ? undefined : checked
  if (element.length > longestChecked && isText(expected)) return malformed(rewriting)
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
  return text(element.tag, expected, values.join('\\'))
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
  if (isWanted) rewriting.identity.noteWritten(value, vr)
  return text(element.tag, vr, value)
}

function keepAge(element: Element, rewriting: Rewriting): OutElement | undefined {
  if (element.length > longestChecked) return malformed(rewriting)
  const ages = toldAges(rewriting.file.bytes(element).toString('latin1'))
  return ages === undefined ? malformed(rewriting) : text(element.tag, 'AS', ages)
}

function checkCharacterSets(dataSet: DataSet, { reasons }: Rewriting): void {
  if (!dataSet.characterSets.every((term) => term === '' || isKnownCharacterSet(term))) {
    reasons.add('unknown-character-set', '(0008,0005) SpecificCharacterSet')
  }
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
