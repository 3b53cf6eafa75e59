import {
  type DicomFile,
  itemsAlong,
  osLevelOf,
  privateElement,
  seriesFields,
  siemensDiffusion,
  siemensField,
  siemensFieldNames,
  tagOf,
  type TagPath,
} from '../dicom/index.ts'
import { textList, textLiteral } from '../text/index.ts'
import { type Value, attributeValue, joinedValue, textValue, valueAt } from './attribute-value.ts'
import { rememberingReader } from './remembered-value.ts'
import type { Operand } from './rule-definition.ts'

export type ReadValue = (file: DicomFile) => Value | undefined

/** How to read what an operand names: what it means is found out once, not for each object. */
export function readerOf(operand: Operand): ReadValue {
  switch (operand.kind) {
    case 'types':
      return () => undefined
    case 'tag': {
      const { tag, index } = operand
      const read = rememberingReader(tag)
      if (index === undefined) return read
      return (file) => {
        const value = read(file)
        return value === undefined ? undefined : valueAt(value, index)
      }
    }
    case 'private': {
      const { group, creator, element } = operand
      return (file) => {
        const found = privateElement(file, group, creator, element)
        return found === undefined ? undefined : attributeValue(file, found.tag)
      }
    }
    case 'path':
      return (file) => valueAtPath(file, operand)
    case 'name':
      return readerOfName(operand.name)
  }
}

/** A name is the DICOM keyword; where no such attribute is there, the name of the original's series JSON. */
function readerOfName(name: string): ReadValue {
  const tag = tagOf(name)
  const field = readerOfField(name, tag)
  if (tag === undefined) return field
  const read = rememberingReader(tag)
  return (file) => read(file) ?? field(file)
}

function readerOfField(name: string, keyword: number | undefined): ReadValue {
  const siemens = siemensFieldNames.find((each) => each === name)
  if (siemens !== undefined) {
    return (file) => {
      const text = siemensField(file, siemens)
      return text === undefined ? undefined : textValue([text])
    }
  }
  if (name === 'siemensDiffusionInformation') return diffusionValue
  const field = seriesFields().get(name)
  if (field === undefined || field === keyword) return () => undefined
  if (name !== 'OSLevel') return rememberingReader(field)
  return (file) => {
    const level = osLevelOf(attributeValue(file, field)?.text ?? '')
    return level === undefined ? undefined : textValue([level])
  }
}

/** As the list of the series JSON would read with this object alone. */
function diffusionValue(file: DicomFile): Value | undefined {
  const said = siemensDiffusion(file)
  if (said === undefined) return undefined
  const parts = Object.entries(said).map(([key, value]: [string, string | readonly string[]]) => {
    const text = typeof value === 'string' ? textLiteral(value) : textList(value)
    return `${textLiteral(key)}: ${text}`
  })
  return textValue([`[{${parts.join(', ')}}]`])
}

/** Of several items the values one behind the other, as if they were those of one attribute. */
function valueAtPath(file: DicomFile, { steps, tag }: TagPath): Value | undefined {
  const items = itemsAlong(file.dataSet, steps)
  return joinedValue(items.flatMap((item) => attributeValue(file, tag, item) ?? []))
}
