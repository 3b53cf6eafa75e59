import { isUtf8 } from 'node:buffer'
import { type DataSet, type Element, decodeText, isText, vrOf } from '../dicom/index.ts'
import { identityKindOf } from './identity-kinds.ts'
import { type Rewriting, newUid } from './rewriting.ts'

/** A longer value identifies nobody in particular; it is searched for nothing. */
const longestIdentity = 4096

/** What an element that does not pass tells of the patient, and all that is inside it. */
export function noteIdentity(dataSet: DataSet, element: Element, rewriting: Rewriting): void {
  const { file, identity } = rewriting
  const { tag, items, length } = element
  for (const item of items ?? []) {
    for (const inner of item.elements) noteIdentity(item, inner, rewriting)
  }
  if (length === 0 || length > longestIdentity || items !== undefined) return
  const vr = element.vr === 'UN' ? (vrOf(tag) ?? 'UN') : element.vr
  if (vr === 'UI' && rewriting.profile.decide(tag).action === 'U') {
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
  // Many write UTF-8 and declare something else, or nothing.
  const asUtf8 = isUtf8(raw) ? raw.toString('utf8') : value
  if (asUtf8 !== value) identity.add(kind, asUtf8.replaceAll('\0', ' '))
}
