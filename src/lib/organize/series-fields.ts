import { decodeText, tagOf, type DicomFile, type Element } from '../dicom/index.ts'
import { pythonList } from './python-text.ts'

/** A series JSON: texts, but for IncomingConnection, Modality and ClassifyType. */
export type SeriesFields = Record<string, unknown>

/** Taken from the first object under their own names. */
const standard = [
  'Manufacturer',
  'ManufacturerModelName',
  'AcquisitionMatrix',
  'StudyInstanceUID',
  'SeriesInstanceUID',
  'SOPClassUID',
  'StudyDate',
  'StudyTime',
  'SeriesTime',
  'PatientID',
  'PatientName',
  'PatientSex',
  'InstitutionName',
  'StationName',
  'AccessionNumber',
  'OperatorsName',
  'StudyID',
  'StudyDescription',
  'SeriesDescription',
  'SeriesNumber',
  'InstanceNumber',
  'SequenceName',
  'ScanningSequence',
  'SequenceVariant',
  'ScanOptions',
  'EchoTime',
  'RepetitionTime',
  'SliceThickness',
  'SliceLocation',
  'ImagesInAcquisition',
  'NumberOfTemporalPositions',
  'ImageType',
] as const

/** Under the original's own names; most are private elements of one maker or another. */
const renamed: Readonly<Record<string, number>> = {
  AcquisitionLength: 0x0051100a,
  ActiveCoils: 0x0051100f,
  PulseSequenceName: 0x0019109c,
  Private0019_105a: 0x0019105a,
  Private0019_10BB: 0x001910bb,
  Private0043_1039: 0x00431039,
  SequenceType: 0x20011020,
  SliceSpacing: 0x00180088,
  Slices: 0x0021104f,
}

const numeric = new Set(['DS', 'IS', 'US', 'SS', 'UL', 'SL', 'FL', 'FD', 'UV', 'SV'])
/** These are values people read; something longer is none. */
const longestValue = 4096

/** The fields that come from the first object of a series. What it lacks is absent. */
export function fieldsOf(file: DicomFile): SeriesFields {
  const fields: SeriesFields = {}
  for (const keyword of standard) put(fields, file, keyword, tagOf(keyword))
  for (const [name, tag] of Object.entries(renamed)) put(fields, file, name, tag)
  const modality = valueText(file, 0x00080060)
  if (modality !== undefined) fields['Modality'] = [modality]
  fields['StudyDescription'] ??= 'missing'
  const level = /release:([^\s,;'\]]+)/.exec(valueText(file, 0x00181020) ?? '')?.[1]
  if (level !== undefined) fields['OSLevel'] = level
  return fields
}

/** The text of SliceLocation, whose least value counts. */
export function sliceLocationOf(file: DicomFile): string | undefined {
  return valueText(file, 0x00201041)
}

function put(fields: SeriesFields, file: DicomFile, name: string, tag: number | undefined): void {
  const text = tag === undefined ? undefined : valueText(file, tag)
  if (text !== undefined) fields[name] = text
}

function valueText(file: DicomFile, tag: number): string | undefined {
  const element = file.dataSet.get(tag)
  if (element === undefined || element.length === 0 || element.length > longestValue)
    return undefined
  if (element.items !== undefined) return undefined
  const values = file.strings(file.dataSet, tag)
  if (values.length === 0) return unknownText(file, element)
  if (values.length === 1) return values[0] === '' ? undefined : values[0]
  return pythonList(values, numeric.has(element.vr))
}

/** A private element in implicit VR: its maker's dictionary is not at hand, but most are plain text. */
function unknownText(file: DicomFile, element: Element): string | undefined {
  if (element.vr !== 'UN' && element.vr !== 'OB') return undefined
  const bytes = file.bytes(element)
  if (bytes.some((byte) => byte !== 0 && (byte < 0x20 || byte > 0x7e))) return undefined
  const text = decodeText(bytes, 'LO', file.dataSet.characterSets)
  const values = text.split('\\').map((value) => value.replaceAll('\0', '').trim())
  if (values.length > 1) return pythonList(values, false)
  return values[0] === '' ? undefined : values[0]
}
