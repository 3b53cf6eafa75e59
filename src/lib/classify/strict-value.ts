import {
  type DicomFile,
  osLevelOf,
  privateElement,
  seriesFields,
  siemensField,
  siemensFieldNames,
  tagOf,
} from '../dicom/index.ts'
import { type Value, attributeValue, textValue, valueAt } from './attribute-value.ts'
import type { Operand } from './rule-definition.ts'

/** A name is the DICOM keyword; where no such attribute is there, the name of the original's series JSON. */
export function strictValue(file: DicomFile, operand: Operand): Value | undefined {
  if (operand.kind === 'types') return undefined
  if (operand.kind === 'tag') {
    const value = attributeValue(file, operand.tag)
    if (operand.index === undefined || value === undefined) return value
    return valueAt(value, operand.index)
  }
  if (operand.kind === 'private') {
    const found = privateElement(file, operand.group, operand.creator, operand.element)
    return found === undefined ? undefined : attributeValue(file, found.tag)
  }
  const { name } = operand
  const tag = tagOf(name)
  const value = tag === undefined ? undefined : attributeValue(file, tag)
  if (value !== undefined) return value
  const siemens = siemensFieldNames.find((each) => each === name)
  if (siemens !== undefined) {
    const text = siemensField(file, siemens)
    return text === undefined ? undefined : textValue([text])
  }
  const field = seriesFields().get(name)
  if (field === undefined || field === tag) return undefined
  const found = attributeValue(file, field)
  if (name !== 'OSLevel' || found === undefined) return found
  const level = osLevelOf(found.text)
  return level === undefined ? undefined : textValue([level])
}
