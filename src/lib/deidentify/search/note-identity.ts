import { isAscii, isUtf8 } from 'node:buffer'
import { type Element, decodeText, isDeclaredText, isText, vrOf } from '../../dicom/index.ts'
import { identityKindOf, isPersonal, saysWho } from './identity-kinds.ts'
import { likelyTexts } from './plausible-texts.ts'
import { type Rewriting, newUid } from '../rewriting.ts'
import type { Surroundings } from '../surroundings.ts'

/** A longer value identifies nobody in particular; no text is searched for it. */
const longestIdentity = 4096
/** Nor is a value that long kept where text belongs. */
const longestList = 1 << 20

/** What an element that does not pass tells of the patient, and all that is inside it. */
export function noteIdentity(around: Surroundings, element: Element, rewriting: Rewriting): void {
  const { file, identity } = rewriting
  const { tag, items, length } = element
  for (const item of items ?? []) {
    const inside = around.inside(tag, item)
    for (const inner of item.elements) noteIdentity(inside, inner, rewriting)
  }
  if (length === 0 || length > longestList || items !== undefined) return
  const vr = element.vr === 'UN' ? (vrOf(tag) ?? 'UN') : element.vr
  const kind = identityKindOf(tag, vr)
  if (kind === undefined && (vr !== 'UI' || length > longestIdentity)) return
  const { action, because } = rewriting.decide(tag, around)
  // What a rule writes in place of a UID is another one.
  if (vr === 'UI' && (action === 'uid' || action === 'write')) {
    for (const uid of file.bytes(element).toString('latin1').split('\\')) newUid(uid, rewriting)
    return
  }
  // What is kept on purpose wherever it can be is no secret where it cannot be.
  const isPurpose = because === 'option' || (because === 'rule' && !isPersonal(tag, vr))
  if (kind === undefined || (action === 'keep' && isPurpose)) return
  const raw = file.bytes(element)
  // As LO where the VR found is none of text: the tag says that it is one.
  const readAs = isText(vr) ? vr : kind === 'name' ? 'PN' : 'LO'
  const value = decodeText(raw, readAs, around.dataSet.characterSets)
  if (saysWho(tag, vr)) identity.addWhole(value.replaceAll('\0', ' '))
  if (length > longestIdentity) return
  identity.add(kind, value.replaceAll('\0', ' '), raw)
  const isDeclared = isDeclaredText(raw, readAs, around.dataSet.characterSets)
  for (const other of otherReadings(raw, value, isDeclared)) {
    if (other !== value) identity.add(kind, other.replaceAll('\0', ' '))
  }
}

/** As what else a value may be meant: many declare something else than they write, or nothing. */
function otherReadings(raw: Buffer, value: string, isDeclared: boolean): string[] {
  // What is well-formed UTF-8 is that by no accident.
  if (isUtf8(raw) && !isAscii(raw)) return [raw.toString('utf8')]
  // In Latin letters two with accents seldom meet; in other scripts all bytes are high.
  const isLatin =
    !/[\x80-\xff]{2}/.test(raw.toString('latin1')) && !/[^\P{L}\p{Script=Latin}]/u.test(value)
  return isDeclared && isLatin ? [] : likelyTexts(raw)
}
