import {
  type DataSet,
  type DicomFile,
  type Element,
  type OutElement,
  bytesPerUnit,
  decodeText,
  formatTag,
  isKnownCharacterSet,
  isKnownVR,
  isText,
  keywordOf,
  vrOf,
} from '../dicom/index.ts'
import { type Action, decide } from './action.ts'
import { cleanContent, cleanGraphics } from './content.ts'
import { dummySequence } from './dummy-sequence.ts'
import { dummyValue } from './dummy.ts'
import { identityKindOf } from './identity-kinds.ts'
import type { KnownIdentity } from './known-identity.ts'
import { type ObjectPolicy, keyObjectSelection } from './object-policy.ts'
import type { Pseudonyms } from './pseudonyms.ts'
import type { Reasons } from './reasons.ts'

/** What the elements of an object are rewritten with. */
export interface Rewriting {
  readonly file: DicomFile
  readonly policy: ObjectPolicy
  readonly SOPClassUID: string
  readonly pseudonyms: Pseudonyms
  readonly participant: string
  readonly project: string
  readonly event: string | undefined
  readonly identity: KnownIdentity
  readonly reasons: Reasons
  /** Elements by what was done with them, for the `deidentified` record. */
  readonly count: (what: string) => void
}

const Tag = {
  SpecificCharacterSet: 0x00080005,
  PatientName: 0x00100010,
  PatientID: 0x00100020,
  ClinicalTrialProtocolID: 0x00120020,
  ClinicalTrialSubjectID: 0x00120040,
  ClinicalTrialTimePointID: 0x00120050,
  ContentSequence: 0x0040a730,
  ContentTemplateSequence: 0x0040a504,
  EncapsulatedDocument: 0x00420011,
  GraphicAnnotationSequence: 0x00700001,
  FloatPixelData: 0x7fe00008,
  PixelData: 0x7fe00010,
}

/** A longer value identifies nobody in particular; it is searched for nothing. */
const longestIdentity = 4096
/** Longer texts of coded, numeric and UID values are damage. */
const longestChecked = 1 << 20

/** The elements that go out of those that came in, at every depth by the same rules. */
export function rewriteDataSet(dataSet: DataSet, rewriting: Rewriting, depth = 0): OutElement[] {
  const out: OutElement[] = []
  const seen = new Set<number>()
  for (const element of dataSet.elements) {
    // A second element of a tag is an error (PS3.5 7.1): readers take one or the other.
    if (seen.has(element.tag)) {
      noteIdentity(dataSet, element, rewriting)
      rewriting.count('malformed')
      continue
    }
    seen.add(element.tag)
    const rewritten = rewriteElement(dataSet, element, rewriting, depth)
    if (rewritten !== undefined) out.push(rewritten)
  }
  return out
}

/** Some elements only, for sequences of which little remains. */
export function rewriteSome(
  dataSet: DataSet,
  tags: readonly number[],
  rewriting: Rewriting,
): OutElement[] {
  return tags.flatMap((tag) => {
    const element = dataSet.get(tag)
    return element === undefined ? [] : (rewriteElement(dataSet, element, rewriting, 1) ?? [])
  })
}

function rewriteElement(
  dataSet: DataSet,
  element: Element,
  rewriting: Rewriting,
  depth: number,
): OutElement | undefined {
  const { tag } = element
  if ((tag & 0xffff) === 0) return undefined
  const { action, because } = decide(tag)
  const passes = action === 'K' || action === 'U' || action === 'U*'
  if (!passes) noteIdentity(dataSet, element, rewriting)
  const given = givenValue(tag, rewriting)
  if (given !== undefined) {
    rewriting.count('replaced')
    return text(tag, vrOf(tag) ?? 'LO', given)
  }
  // It says what the content follows, which only a key object's still does.
  const isVoid = tag === Tag.ContentTemplateSequence && rewriting.policy === 'report'
  if (isVoid && rewriting.SOPClassUID !== keyObjectSelection) {
    rewriting.count('unlisted')
    return undefined
  }
  // Such an object is always held first; who releases it has read the document.
  if (tag === Tag.EncapsulatedDocument && rewriting.policy === 'encapsulated-document') {
    return { tag, vr: element.vr, copy: element }
  }
  if (action === 'X') {
    rewriting.count(because === 'table' ? 'removed' : because)
    return undefined
  }
  return apply(action, dataSet, element, rewriting, depth)
}

/** What the request decides, wherever the attribute is. */
function givenValue(tag: number, { participant, project, event }: Rewriting): string | undefined {
  if (tag === Tag.PatientName || tag === Tag.PatientID || tag === Tag.ClinicalTrialSubjectID) {
    return participant
  }
  if (tag === Tag.ClinicalTrialProtocolID) return project
  return tag === Tag.ClinicalTrialTimePointID ? event : undefined
}

function apply(
  action: Action,
  dataSet: DataSet,
  element: Element,
  rewriting: Rewriting,
  depth: number,
): OutElement | undefined {
  const { tag } = element
  const vr = vrOf(tag) ?? element.vr
  switch (action) {
    case 'X':
      return undefined
    case 'Z':
      rewriting.count('emptied')
      return vr === 'SQ' ? { tag, vr: 'SQ', items: [] } : { tag, vr, value: Buffer.alloc(0) }
    case 'D':
      rewriting.count('replaced')
      return dummy(vr, element, rewriting)
    case 'U':
      return newUids(element, rewriting)
    case 'U*':
      return keepSequence(element, rewriting, depth)
    case 'K':
      return keep(dataSet, element, rewriting, depth)
  }
}

function dummy(vr: string, element: Element, rewriting: Rewriting): OutElement | undefined {
  const { tag } = element
  if (vr === 'UI') return newUids(element, rewriting)
  if (vr !== 'SQ') {
    const original = element.length <= 64 && element.items === undefined ? element : undefined
    const bytes = original === undefined ? Buffer.alloc(0) : rewriting.file.bytes(original)
    return { tag, vr, value: dummyValue(vr, bytes) }
  }
  const items = element.items ?? []
  if (tag === Tag.ContentSequence) return { tag, vr, items: cleanContent(items, rewriting) }
  if (tag === Tag.GraphicAnnotationSequence)
    return { tag, vr, items: cleanGraphics(items, rewriting) }
  return { tag, vr, items: dummySequence(tag, rewriting) }
}

function newUids(element: Element, rewriting: Rewriting): OutElement | undefined {
  const { tag } = element
  if (element.items !== undefined || element.length > longestChecked) {
    rewriting.count('malformed')
    return undefined
  }
  rewriting.count('uids')
  const originals = rewriting.file.bytes(element).toString('latin1').split('\\')
  return text(tag, 'UI', originals.map((original) => newUid(original, rewriting)).join('\\'))
}

/** The new UID for one; what was replaced is remembered, to be searched for afterwards. */
export function newUid(original: string, { pseudonyms, identity }: Rewriting): string {
  const normal = original.replaceAll('\0', ' ').trim()
  if (normal === '') return ''
  const made = pseudonyms.uid(normal)
  if (made !== normal) identity.uids.add(normal)
  return made
}

function keepSequence(
  element: Element,
  rewriting: Rewriting,
  depth: number,
): OutElement | undefined {
  const { tag, items, length } = element
  if (items === undefined && length > 0) {
    rewriting.reasons.add('unreadable-value', `${formatTag(tag)} ${keywordOf(tag) ?? ''}`.trim())
    return undefined
  }
  const rewritten = (items ?? []).map((item) => rewriteDataSet(item, rewriting, depth + 1))
  return { tag, vr: 'SQ', items: rewritten }
}

function keep(
  dataSet: DataSet,
  element: Element,
  rewriting: Rewriting,
  depth: number,
): OutElement | undefined {
  const { tag } = element
  const expected = vrOf(tag) ?? element.vr
  if (expected === 'SQ') return keepSequence(element, rewriting, depth)
  if (tag >= Tag.FloatPixelData && tag <= Tag.PixelData)
    return keepPixels(element, rewriting, depth)
  if (element.items !== undefined || element.fragments !== undefined) return malformed(rewriting)
  if (!isPlausible(element.vr, expected)) return malformed(rewriting)
  if (tag === Tag.SpecificCharacterSet) checkCharacterSets(dataSet, rewriting)
  const checked = checkedValue(element, expected, rewriting)
  if (checked !== undefined) return checked
  if (element.length > longestChecked && isText(expected)) return malformed(rewriting)
  return copyOf(dataSet, element, rewriting)
}

/** Pixels pass by as ranges of the file. Anywhere but at the top there are icons only, and they go. */
function keepPixels(element: Element, rewriting: Rewriting, depth: number): OutElement | undefined {
  if (depth > 0 || element.items !== undefined) return malformed(rewriting)
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

/** What an element that does not pass tells of the patient, and all that is inside it. */
function noteIdentity(dataSet: DataSet, element: Element, rewriting: Rewriting): void {
  const { file, identity } = rewriting
  const { tag, items, length } = element
  for (const item of items ?? []) {
    for (const inner of item.elements) noteIdentity(item, inner, rewriting)
  }
  if (length === 0 || length > longestIdentity || items !== undefined) return
  const vr = element.vr === 'UN' ? (vrOf(tag) ?? 'UN') : element.vr
  if (vr === 'UI' && decide(tag).action === 'U') {
    for (const uid of file.bytes(element).toString('latin1').split('\\')) newUid(uid, rewriting)
    return
  }
  const kind = identityKindOf(tag, vr)
  if (kind === undefined) return
  const raw = file.bytes(element)
  // As LO where the VR found is none of text: the tag says that it is one.
  const readAs = isText(vr) ? vr : kind === 'name' ? 'PN' : 'LO'
  const value = decodeText(raw, readAs, dataSet.characterSets)
  identity.add(kind, value.replaceAll('\0', ' '), raw)
}

export function text(tag: number, vr: string, value: string): OutElement {
  return { tag, vr, value: Buffer.from(value, 'latin1') }
}
