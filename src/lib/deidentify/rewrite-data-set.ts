import {
  type Element,
  type OutElement,
  encodeText,
  isPrivate,
  isPrivateCreator,
  vrOf,
  textElement,
} from '../dicom/index.ts'
import { applyAction } from './actions/apply-action.ts'
import type { Traced } from './explain/trace.ts'
import { noteIdentity } from './search/note-identity.ts'
import { keyObjectSelection } from './object-policy.ts'
import type { Place } from './place.ts'
import type { Recurring } from './recurring-elements.ts'
import type { Rewriting } from './rewriting.ts'
import type { Surroundings } from './surroundings.ts'

const Tag = {
  PatientName: 0x00100010,
  PatientID: 0x00100020,
  ClinicalTrialProtocolID: 0x00120020,
  ClinicalTrialSubjectID: 0x00120040,
  ClinicalTrialTimePointID: 0x00120050,
  ContentTemplateSequence: 0x0040a504,
  EncapsulatedDocument: 0x00420011,
}

/**
 * The elements that go out of those that came in, at every depth by the same rules.
 * @param only these tags, for items of which little remains
 * @param recurring what became of the elements of objects before, where it is the object itself
 */
export function rewriteDataSet(
  around: Surroundings,
  rewriting: Rewriting,
  only?: readonly number[],
  recurring?: Recurring,
): OutElement[] {
  const { file } = rewriting
  const out: OutElement[] = []
  const seen = new Set<number>()
  const rewriteItem: Place['rewriteItem'] = (inside, some) =>
    rewriteDataSet(inside, rewriting, some)
  for (const element of around.dataSet.elements) {
    if (only?.includes(element.tag) === false) continue
    // A second element of a tag is an error (PS3.5 7.1): readers take one or the other.
    if (seen.has(element.tag)) {
      noteIdentity(around, element, rewriting)
      rewriting.count('malformed')
      rewriting.trace?.({ element, why: 'twice', result: undefined })
      continue
    }
    seen.add(element.tag)
    const before = recurring?.find(file, element)
    if (before !== undefined) {
      for (const what of before.counts) rewriting.count(what)
      if (before.result !== undefined) out.push(before.result)
      continue
    }
    const result =
      recurring === undefined
        ? rewriteElement(around, element, rewriting, rewriteItem)
        : recurring.learn(file, element, () => {
            const { total } = rewriting.reasons
            const made = rewriteElement(around, element, rewriting, rewriteItem)
            // A reason is one for each object.
            if (rewriting.reasons.total > total) recurring.looksBeyond()
            return made
          })
    if (result !== undefined) out.push(result)
  }
  out.push(...reservationsOf(out, around))
  return out
}

function rewriteElement(
  around: Surroundings,
  element: Element,
  rewriting: Rewriting,
  rewriteItem: Place['rewriteItem'],
): OutElement | undefined {
  const why = reasonFor(around, element, rewriting)
  const result = rewritten(why, around, element, rewriting, rewriteItem)
  rewriting.trace?.({ element, why, result })
  return result
}

/** What decides: a rule of the profile, what the request or the kind of object says, or the table. */
function reasonFor(around: Surroundings, element: Element, rewriting: Rewriting): Traced['why'] {
  const { tag } = element
  if ((tag & 0xffff) === 0) return 'group length'
  const decision = rewriting.decide(tag, around)
  if (decision.because === 'rule') return decision
  if (givenValue(tag, rewriting) !== undefined) return 'request'
  if (tag === Tag.ContentTemplateSequence && isVoid(rewriting)) return 'template'
  // Such an object is always held first; who releases it has read the document.
  const isDocument = rewriting.policy === 'encapsulated-document'
  return tag === Tag.EncapsulatedDocument && isDocument ? 'document' : decision
}

function rewritten(
  why: Traced['why'],
  around: Surroundings,
  element: Element,
  rewriting: Rewriting,
  rewriteItem: Place['rewriteItem'],
): OutElement | undefined {
  const { tag } = element
  switch (why) {
    case 'group length':
    case 'twice':
      return undefined
    case 'request':
      noteIdentity(around, element, rewriting)
      rewriting.count('replaced')
      return textElement(tag, vrOf(tag) ?? 'LO', givenValue(tag, rewriting) ?? '')
    case 'template':
      noteIdentity(around, element, rewriting)
      rewriting.count('unlisted')
      return undefined
    case 'document':
      return { tag, vr: element.vr, copy: element }
    default:
      return applyAction(why, {
        around,
        element,
        vr: why.vr ?? vrOf(tag) ?? element.vr,
        decision: why,
        rewriting,
        rewriteItem,
      })
  }
}

/** What the request decides, wherever the attribute is. */
function givenValue(tag: number, { participant, project, event }: Rewriting): string | undefined {
  if (tag === Tag.PatientName || tag === Tag.PatientID || tag === Tag.ClinicalTrialSubjectID) {
    return participant
  }
  if (tag === Tag.ClinicalTrialProtocolID) return project
  return tag === Tag.ClinicalTrialTimePointID ? event : undefined
}

/** It says what the content follows, which it does no longer where little remains; a key object's does. */
function isVoid({ policy, SOPClassUID, profile }: Rewriting): boolean {
  const isWhole =
    SOPClassUID === keyObjectSelection || profile.options.has('cleanStructuredContent')
  return policy === 'report' && !isWhole
}

/** Private blocks of which something stays are still reserved, by whoever it was; all others are free. */
function reservationsOf(out: readonly OutElement[], around: Surroundings): OutElement[] {
  const blocks = new Set<number>()
  for (const { tag } of out) {
    if (isPrivate(tag) && !isPrivateCreator(tag)) {
      blocks.add(((tag & 0xffff0000) | ((tag >>> 8) & 0xff)) >>> 0)
    }
  }
  return [...blocks].flatMap((tag) => {
    const creator = around.creatorAt(tag)
    const value =
      creator === undefined ? undefined : encodeText(creator, 'LO', around.dataSet.characterSets)
    return value === undefined ? [] : [{ tag, vr: 'LO', value }]
  })
}
