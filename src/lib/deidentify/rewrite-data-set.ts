import { type Element, type OutElement, isPrivate, isPrivateCreator, vrOf } from '../dicom/index.ts'
import { applyAction } from './apply-action.ts'
import { noteIdentity } from './note-identity.ts'
import { keyObjectSelection } from './object-policy.ts'
import { type Rewriting, text } from './rewriting.ts'
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
 */
export function rewriteDataSet(
  around: Surroundings,
  rewriting: Rewriting,
  only?: readonly number[],
): OutElement[] {
  const out: OutElement[] = []
  const seen = new Set<number>()
  for (const element of around.dataSet.elements) {
    if (only?.includes(element.tag) === false) continue
    // A second element of a tag is an error (PS3.5 7.1): readers take one or the other.
    if (seen.has(element.tag)) {
      noteIdentity(around, element, rewriting)
      rewriting.count('malformed')
      continue
    }
    seen.add(element.tag)
    const rewritten = rewriteElement(around, element, rewriting)
    if (rewritten !== undefined) out.push(rewritten)
  }
  return [...out, ...reservationsOf(out, around)]
}

function rewriteElement(
  around: Surroundings,
  element: Element,
  rewriting: Rewriting,
): OutElement | undefined {
  const { tag } = element
  if ((tag & 0xffff) === 0) return undefined
  const decision = rewriting.decide(tag, around)
  const usual = decision.because === 'rule' ? undefined : beforeTheTable(around, element, rewriting)
  if (usual !== undefined) return usual === 'nothing' ? undefined : usual
  return applyAction(decision, {
    around,
    element,
    vr: decision.vr ?? vrOf(tag) ?? element.vr,
    rewriting,
    rewriteItem: (inside, only) => rewriteDataSet(inside, rewriting, only),
  })
}

/** What is decided by more than the table, where no rule of the project speaks of the element. */
function beforeTheTable(
  around: Surroundings,
  element: Element,
  rewriting: Rewriting,
): OutElement | 'nothing' | undefined {
  const { tag } = element
  const given = givenValue(tag, rewriting)
  if (given !== undefined) {
    noteIdentity(around, element, rewriting)
    rewriting.count('replaced')
    return text(tag, vrOf(tag) ?? 'LO', given)
  }
  if (tag === Tag.ContentTemplateSequence && isVoid(rewriting)) {
    noteIdentity(around, element, rewriting)
    rewriting.count('unlisted')
    return 'nothing'
  }
  // Such an object is always held first; who releases it has read the document.
  if (tag === Tag.EncapsulatedDocument && rewriting.policy === 'encapsulated-document') {
    return { tag, vr: element.vr, copy: element }
  }
  return undefined
}

/** What the request decides, wherever the attribute is. */
function givenValue(tag: number, { participant, project, event }: Rewriting): string | undefined {
  if (tag === Tag.PatientName || tag === Tag.PatientID || tag === Tag.ClinicalTrialSubjectID) {
    return participant
  }
  if (tag === Tag.ClinicalTrialProtocolID) return project
  return tag === Tag.ClinicalTrialTimePointID ? event : undefined
}

/** It says what the content follows, which that of a report no longer does; a key object's does. */
function isVoid({ policy, SOPClassUID }: Rewriting): boolean {
  return policy === 'report' && SOPClassUID !== keyObjectSelection
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
    return creator === undefined ? [] : [text(tag, 'LO', creator)]
  })
}
