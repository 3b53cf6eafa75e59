import {
  type DataSet,
  type Element,
  type OutElement,
  bytesPerUnit,
  isKnownCharacterSet,
  isKnownVR,
  isText,
} from '../dicom/index.ts'
import type { Decision } from './action.ts'
import { toldAges } from './age.ts'
import { isPersonal } from './identity-kinds.ts'
import { type Rewriting, text } from './rewriting.ts'
import type { Place } from './place.ts'
import { isTemporal, isTemporalVR } from './shift-date.ts'

const SpecificCharacterSet = 0x00080005
const FloatPixelData = 0x7fe00008
const PixelData = 0x7fe00010

/** Longer texts of coded, numeric and UID values are damage. */
const longestChecked = 1 << 20

/** A value that the profile keeps, if it is what its attribute says; not for sequences. */
export function keepValue({
  around: { dataSet, path },
  element,
  vr: expected,
  because,
  rewriting,
}: Place): OutElement | undefined {
  const { tag } = element
  if (tag >= FloatPixelData && tag <= PixelData) {
    return keepPixels(element, rewriting, path.length)
  }
  if (element.items !== undefined || element.fragments !== undefined) return malformed(rewriting)
  if (!isPlausible(element.vr, expected)) return malformed(rewriting)
  if (tag === SpecificCharacterSet) checkCharacterSets(dataSet, rewriting)
  if (isTemporalVR(expected)) return keepTemporal(element, expected, because, rewriting)
  if (expected === 'AS') return keepAge(element, rewriting)
  const checked = checkedValue(element, expected, rewriting)
  if (checked !== undefined) return checked
  if (element.length > longestChecked && isText(expected)) return malformed(rewriting)
  return copyOf(dataSet, element, rewriting)
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

/** Values whose VR allows few characters are held to it: what else is in them is not what it claims to be. */
function checkedValue(
  element: Element,
  expected: string,
  rewriting: Rewriting,
): OutElement | undefined {
  const allowed = allowedCharacters[expected]
  if (allowed === undefined || element.length === 0 || element.length > longestChecked) return
  const value = rewriting.file.bytes(element).toString('latin1')
  if (allowed.test(value)) return
  rewriting.count('malformed')
  const values = value.split('\\').map((one) => {
    if (allowed.test(one)) return one
    return expected === 'CS' ? 'ANONYMIZED' : ''
  })
  return text(element.tag, expected, values.join('\\'))
}

const allowedCharacters: Readonly<Record<string, RegExp>> = {
  CS: /^[\x20-\x5b\x5d-\x7e\0]{0,18}(?:\\[\x20-\x5b\x5d-\x7e\0]{0,18})*$/,
  DS: /^[-+0-9.eE \\\0]*$/,
  IS: /^[-+0-9 \\\0]*$/,
  UI: /^[0-9. \\\0]*$/,
}

/** A date or time that an option keeps; no later search shall take it for one that slipped through. */
function keepTemporal(
  element: Element,
  vr: string,
  because: Decision['because'],
  rewriting: Rewriting,
): OutElement | undefined {
  if (element.length > longestChecked) return malformed(rewriting)
  const value = rewriting.file.bytes(element).toString('latin1')
  if (!isTemporal(value, vr)) return malformed(rewriting)
  const isWanted = because !== 'base' && !isPersonal(element.tag, vr)
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
function copyOf(dataSet: DataSet, element: Element, { file }: Rewriting): OutElement {
  const { tag, vr } = element
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
