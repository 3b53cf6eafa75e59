import type { DicomFile } from '../../src/lib/dicom/index.ts'
import { type DataSet, type Element, type OutPart } from '../../src/lib/dicom/index.ts'

/** A data set as plain values: `gggg,eeee VR` to hex of the value, or to its items. */
export type Plain = { [element: string]: string | Plain[] }

export function plain(file: DicomFile, dataSet: DataSet = file.dataSet): Plain {
  return Object.fromEntries(
    dataSet.elements.map((element) => [name(element), plainValue(file, element)]),
  )
}

function name({ tag, vr }: Element): string {
  return `${tag.toString(16).padStart(8, '0')} ${vr}`
}

function plainValue(file: DicomFile, element: Element): string | Plain[] {
  if (element.items !== undefined) return element.items.map((item) => plain(file, item))
  if (element.fragments !== undefined) {
    return element.fragments.map(({ offset, length }) => ({
      fragment: file.range(offset, length).toString('hex'),
    }))
  }
  return file.bytes(element).toString('hex')
}

/** The parts of an encoded data set in one piece; ranges come from `source`. */
export function joined(parts: Iterable<OutPart>, source?: DicomFile): Buffer {
  return Buffer.concat(
    [...parts].map((part) => {
      if (Buffer.isBuffer(part)) return part
      if ('readInto' in part) {
        const bytes = Buffer.alloc(part.length)
        part.readInto(bytes, 0)
        return bytes
      }
      if (source === undefined) throw new Error('a range, and no file that it could be of')
      return source.range(part.offset, part.length)
    }),
  )
}
