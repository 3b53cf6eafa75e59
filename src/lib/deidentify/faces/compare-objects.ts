import {
  type DataSet,
  type DicomFile,
  type Element,
  formatTag,
  isText,
  keywordOf,
} from '../../dicom/index.ts'
import { ofOldPixels } from '../pixels/index.ts'

/** Pixels, and what describes how they lie in the file (PS3.5 A.4, PS3.3 C.7.6.3.1.8). */
const ofPixels = [0x7fe00001, 0x7fe00002, 0x7fe00008, 0x7fe00009, 0x7fe00010] as const
/** What changes with the pixels, or says that they were defaced. */
const ofDefacing = new Set<number>([...ofPixels, ...ofOldPixels, 0x00120064, 0x00280302])
const pieceBytes = 1 << 20
/** In implicit VR these depend on other attributes, or on who reads. */
const words = new Set(['US', 'SS', 'OW', 'OB'])

/**
 * Where two objects differ, besides their pixels and what says that they were defaced: an attribute path, never a
 * value. Undefined where they are the same.
 */
export function differenceBetween(given: DicomFile, made: DicomFile): string | undefined {
  return inDataSets(
    { file: given, elements: withoutDefacing(given.dataSet) },
    { file: made, elements: withoutDefacing(made.dataSet) },
    '',
  )
}

/** Are the pixels the same, byte for byte, in the same transfer syntax? */
export function hasSamePixels(given: DicomFile, made: DicomFile): boolean {
  if (given.transferSyntaxUID !== made.transferSyntaxUID) return false
  return ofPixels.every((tag) => {
    const [a, b] = [given.dataSet.get(tag), made.dataSet.get(tag)]
    if (a === undefined || b === undefined) return a === b
    if (a.length !== b.length) return false
    for (let at = 0; at < a.length; at += pieceBytes) {
      const size = Math.min(pieceBytes, a.length - at)
      if (!given.range(a.offset + at, size).equals(made.range(b.offset + at, size))) return false
    }
    return true
  })
}

interface Part {
  readonly file: DicomFile
  readonly elements: readonly Element[]
}

function withoutDefacing({ elements }: DataSet): readonly Element[] {
  return elements.filter(({ tag }) => !ofDefacing.has(tag))
}

function inDataSets(given: Part, made: Part, path: string): string | undefined {
  const most = Math.max(given.elements.length, made.elements.length)
  for (let at = 0; at < most; at++) {
    const [a, b] = [given.elements[at], made.elements[at]]
    if (a !== undefined && b?.tag === a.tag) {
      const inside = inElements([given.file, a], [made.file, b], `${path}${formatTag(a.tag)}`)
      if (inside !== undefined) return inside
    } else {
      const tag = Math.min(a?.tag ?? Infinity, b?.tag ?? Infinity)
      return nameAt(`${path}${formatTag(tag)}`, tag)
    }
  }
  return undefined
}

function inElements(
  [given, a]: readonly [DicomFile, Element],
  [made, b]: readonly [DicomFile, Element],
  path: string,
): string | undefined {
  const differs = nameAt(path, a.tag)
  if (a.items === undefined || b.items === undefined) {
    if (a.items !== b.items && a.length + b.length > 0) return differs
    return isSameVR(a.vr, b.vr) && isSameValue(given, a, made, b) ? undefined : differs
  }
  if (a.items.length !== b.items.length) return differs
  for (const [at, item] of a.items.entries()) {
    const other = b.items[at] as DataSet
    const inside = inDataSets(
      { file: given, elements: item.elements },
      { file: made, elements: other.elements },
      `${path}[${String(at + 1)}].`,
    )
    if (inside !== undefined) return inside
  }
  return undefined
}

function isSameVR(a: string, b: string): boolean {
  return a === b || a === 'UN' || b === 'UN' || (words.has(a) && words.has(b))
}

/** Of texts blanks and NULs at the end are padding (PS3.5 6.2), which libraries write anew. */
function isSameValue(given: DicomFile, a: Element, made: DicomFile, b: Element): boolean {
  const [x, y] = [given.bytes(a), made.bytes(b)]
  if (x.equals(y)) return true
  return isText(a.vr) && unpadded(x).equals(unpadded(y))
}

function unpadded(bytes: Buffer): Buffer {
  let end = bytes.length
  while (end > 0 && (bytes[end - 1] === 0x20 || bytes[end - 1] === 0)) end -= 1
  return bytes.subarray(0, end)
}

function nameAt(path: string, tag: number): string {
  return `${path} ${keywordOf(tag) ?? ''}`.trim()
}
