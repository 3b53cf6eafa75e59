import {
  decodeText,
  osLevelOf,
  seriesFields,
  siemensField,
  siemensFieldNames,
  type DicomFile,
  type Element,
} from '../dicom/index.ts'
import { numberList, textList } from '../text/index.ts'

/** A series JSON: texts, but for IncomingConnection, Modality and ClassifyType. */
export type SeriesFields = Record<string, unknown>

const numeric = new Set(['DS', 'IS', 'US', 'SS', 'UL', 'SL', 'FL', 'FD', 'UV', 'SV'])
/** These are values people read; something longer is none. */
const longestValue = 4096

/** The fields that come from the first object of a series. What it lacks is absent. */
export function fieldsOf(file: DicomFile): SeriesFields {
  const fields: SeriesFields = {}
  for (const [name, tag] of seriesFields()) {
    const text = valueText(file, tag)
    const value = name === 'OSLevel' ? osLevelOf(text ?? '') : text
    if (value !== undefined) fields[name] = name === 'Modality' ? [value] : value
  }
  for (const name of siemensFieldNames) {
    const value = siemensField(file, name)
    if (value !== undefined && value.length <= longestValue) fields[name] = value
  }
  fields['StudyDescription'] ??= 'missing'
  return fields
}

/** The text of SliceLocation, whose least value counts. */
export function sliceLocationOf(file: DicomFile): string | undefined {
  return valueText(file, 0x00201041)
}

export function modalityOf(file: DicomFile): string | undefined {
  return valueText(file, 0x00080060)
}

function valueText(file: DicomFile, tag: number): string | undefined {
  const element = file.dataSet.get(tag)
  if (element === undefined || element.length === 0 || element.length > longestValue)
    return undefined
  if (element.items !== undefined) return undefined
  const values = file.strings(file.dataSet, tag)
  if (values.length === 0) return unknownText(file, element)
  if (values.length === 1) return values[0] === '' ? undefined : values[0]
  return numeric.has(element.vr) ? numberList(values) : textList(values)
}

/** A private element in implicit VR: its maker's dictionary is not at hand, but most are plain text. */
function unknownText(file: DicomFile, element: Element): string | undefined {
  if (element.vr !== 'UN' && element.vr !== 'OB') return undefined
  const bytes = file.bytes(element)
  if (bytes.some((byte) => byte !== 0 && (byte < 0x20 || byte > 0x7e))) return undefined
  const text = decodeText(bytes, 'LO', file.dataSet.characterSets)
  const values = text.split('\\').map((value) => value.replaceAll('\0', '').trim())
  if (values.length > 1) return textList(values)
  return values[0] === '' ? undefined : values[0]
}
