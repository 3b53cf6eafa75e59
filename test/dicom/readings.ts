// What a reader says of a file, in terms in which others can say it, too.
import { type DataSet, DicomFile, type Element } from '../../src/lib/dicom/index.ts'

/** Path of tags and item numbers to what a reader says is there. */
export type Found = ReadonlyMap<string, unknown>

/** Every element, sequences as the number of their items. */
export function readOurs(
  bytes: Buffer,
  valueOf: (file: DicomFile, dataSet: DataSet, element: Element, path: string) => unknown,
  isThere: (item: DataSet) => boolean = () => true,
): Found {
  const file = DicomFile.fromBuffer(bytes)
  const found = new Map<string, unknown>()
  const walk = (dataSet: DataSet, above: string): void => {
    for (const element of dataSet.elements) {
      const path = above + element.tag.toString(16).padStart(8, '0')
      const items = element.items?.filter(isThere)
      found.set(path, items?.length ?? valueOf(file, dataSet, element, path))
      items?.forEach((item, number) => {
        walk(item, `${path}/${String(number)}/`)
      })
    }
  }
  walk(file.dataSet, '')
  return found
}

export interface Difference {
  readonly path: string
  readonly theirs: unknown
  readonly ours: unknown
}

/** What two readers say differently. */
export function differences(theirs: Found, ours: Found): Difference[] {
  return [...new Set([...theirs.keys(), ...ours.keys()])]
    .filter((path) => JSON.stringify(theirs.get(path)) !== JSON.stringify(ours.get(path)))
    .map((path) => ({ path, theirs: theirs.get(path), ours: ours.get(path) }))
}

/** VRs whose leading spaces mean something (PS3.5 6.2). */
const keepsLeadingSpaces = new Set('LT ST UC UT'.split(' '))

/** A value as its VR means it: peers leave its padding (PS3.5 6.2) there, each some of it. */
export function unpadded(value: string, vr: string): string {
  const text = value.replace(/[ \0]+$/, '')
  return keepsLeadingSpaces.has(vr) ? text : text.replace(/^[ \0]+/, '')
}

/** Peers leave out empty groups at the end of a name, and what is then at its end. */
export function withoutEmptyGroups(value: string): string {
  return unpadded(value.replace(/[ =\0]+$/, ''), 'PN')
}
