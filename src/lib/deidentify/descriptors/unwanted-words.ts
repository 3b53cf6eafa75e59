import {
  type DataSet,
  type DicomFile,
  type Element,
  decodeText,
  isText,
  vrOf,
} from '../../dicom/index.ts'
import type { Unwanted } from './clean-text.ts'
import { spellings } from '../search/fold-text.ts'
import { identityKindOf } from '../search/identity-kinds.ts'

const longestValue = 4096
const mostItems = 1000

/**
 * The words of names, identifiers, addresses and places that an object holds, at any depth. Of the object alone, so
 * that what is cleaned by them is the same whatever else its study has.
 */
export function unwantedWords(file: DicomFile): Unwanted {
  const words = new Set<string>()
  let items = 0
  const visit = (dataSet: DataSet): void => {
    for (const element of dataSet.elements) {
      for (const item of element.items ?? []) {
        // A volume has 10,000 items of frames, and no names in them that are not elsewhere, too.
        if ((items += 1) <= mostItems) visit(item)
      }
      note(dataSet, element)
    }
  }
  const note = (dataSet: DataSet, element: Element): void => {
    const { tag, length, items: inner } = element
    if (length === 0 || length > longestValue || inner !== undefined) return
    const vr = element.vr === 'UN' ? (vrOf(tag) ?? 'UN') : element.vr
    const kind = identityKindOf(tag, vr)
    if (kind === undefined || kind === 'date') return
    const text = decodeText(file.bytes(element), isText(vr) ? vr : 'LO', dataSet.characterSets)
    for (const spelling of spellings(text)) {
      for (const word of spelling.match(/[\p{L}\p{M}\p{N}]+/gu) ?? []) words.add(word)
    }
  }
  visit(file.dataSet)
  return words
}
