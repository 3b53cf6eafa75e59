import {
  type DataSet,
  decodeText,
  type DicomFile,
  type Element,
  itemsAlong,
  privateElement,
  type TagForm,
  tagOf,
  vrOf,
} from '../dicom/index.ts'
import { longestText } from '../regexp/index.ts'

const metaGroup = 0x0002

/**
 * What an object has for an attribute: several values, and those of several items of a sequence, with the backslash
 * between them, as they are encoded. Empty where it has nothing.
 */
export function attributeText(file: DicomFile, form: TagForm): string {
  switch (form.kind) {
    case 'name': {
      const tag = tagOf(form.name)
      return tag === undefined ? '' : valuesOf(file, tag).join('\\')
    }
    case 'tag': {
      const values = valuesOf(file, form.tag)
      return form.index === undefined ? values.join('\\') : (values[form.index] ?? '')
    }
    case 'private': {
      const found = privateElement(file, form.group, form.creator, form.element)
      return found === undefined ? '' : valuesOf(file, found.tag).join('\\')
    }
    case 'path':
      return itemsAlong(file.dataSet, form.steps)
        .flatMap((item) => valuesIn(file, item, form.tag))
        .join('\\')
  }
}

function valuesOf(file: DicomFile, tag: number): readonly string[] {
  return valuesIn(file, tag >>> 16 === metaGroup ? file.meta : file.dataSet, tag)
}

function valuesIn(file: DicomFile, dataSet: DataSet, tag: number): readonly string[] {
  const element = dataSet.get(tag)
  if (element === undefined) return []
  const isUnknown = element.vr === 'UN' && element.items === undefined && vrOf(tag) === undefined
  return isUnknown ? textOfBytes(file, dataSet, element) : file.strings(dataSet, tag)
}

/** A private attribute whose VR nobody said, as in implicit VR: what it says where it is text. */
function textOfBytes(file: DicomFile, dataSet: DataSet, element: Element): readonly string[] {
  // One more than is looked at, so that a pattern's end is not found where the value goes on.
  const bytes = file.range(element.offset, Math.min(element.length, longestText + 1))
  let end = bytes.length
  while (end > 0 && (bytes[end - 1] === 0 || bytes[end - 1] === 0x20)) end -= 1
  const text = decodeText(bytes.subarray(0, end), 'LO', dataSet.characterSets)
  return text === '' ? [] : text.split('\\')
}
