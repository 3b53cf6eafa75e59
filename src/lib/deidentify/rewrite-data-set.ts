import {
  type DataSet,
  type Element,
  type OutElement,
  formatTag,
  keywordOf,
  vrOf,
} from '../dicom/index.ts'
import type { Action } from './action.ts'
import { cleanContent, cleanGraphics } from './content.ts'
import { dummySequence } from './dummy-sequence.ts'
import { dummyValue } from './dummy.ts'
import { keepValue } from './keep-value.ts'
import { noteIdentity } from './note-identity.ts'
import { keyObjectSelection } from './object-policy.ts'
import { type Rewriting, newUid, text } from './rewriting.ts'

const Tag = {
  PatientName: 0x00100010,
  PatientID: 0x00100020,
  ClinicalTrialProtocolID: 0x00120020,
  ClinicalTrialSubjectID: 0x00120040,
  ClinicalTrialTimePointID: 0x00120050,
  ContentSequence: 0x0040a730,
  ContentTemplateSequence: 0x0040a504,
  EncapsulatedDocument: 0x00420011,
  GraphicAnnotationSequence: 0x00700001,
}

/** No list of UIDs is that long. */
const longestUids = 1 << 20

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
function rewriteSome(
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
  const { action, because } = rewriting.profile.decide(tag)
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
      return vr === 'SQ'
        ? keepSequence(element, rewriting, depth)
        : keepValue(dataSet, element, vr, rewriting, depth)
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
  if (tag === Tag.ContentSequence)
    return { tag, vr, items: cleanContent(items, rewriting, rewriteSome) }
  if (tag === Tag.GraphicAnnotationSequence)
    return { tag, vr, items: cleanGraphics(items, rewriting, rewriteSome) }
  return { tag, vr, items: dummySequence(tag, rewriting) }
}

function newUids(element: Element, rewriting: Rewriting): OutElement | undefined {
  const { tag } = element
  if (element.items !== undefined || element.length > longestUids) {
    rewriting.count('malformed')
    return undefined
  }
  rewriting.count('uids')
  const originals = rewriting.file.bytes(element).toString('latin1').split('\\')
  return text(tag, 'UI', originals.map((original) => newUid(original, rewriting)).join('\\'))
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
