import { type DataSet, type DicomFile, type Element, isText, vrOf } from '../dicom/index.ts'

/** A person's name by its component groups (PS3.18 F.2.2). */
export interface JsonPersonName {
  readonly Alphabetic?: string
  readonly Ideographic?: string
  readonly Phonetic?: string
}

export interface JsonElement {
  readonly vr: string
  /** Absent where the element is empty. */
  readonly Value?: readonly (string | number | null | JsonPersonName | JsonDataSet)[]
  /** Base64, of values that are neither text nor numbers. */
  readonly InlineBinary?: string
}

/** A data set in the DICOM JSON Model (PS3.18 annex F): by tag, eight hexadecimal digits. */
export interface JsonDataSet {
  readonly [tag: string]: JsonElement
}

const nameGroups = ['Alphabetic', 'Ideographic', 'Phonetic'] as const

/**
 * The data set of a message. Text is Unicode afterwards, so that sets that came in different character
 * sets can be merged; Specific Character Set and group lengths mean nothing then and are left out.
 * @throws FionaError E_DICOM_PARSE, E_DICOM_LIMIT
 */
export function toJson(file: DicomFile): JsonDataSet {
  return readDataSet(file, file.dataSet)
}

function readDataSet(file: DicomFile, dataSet: DataSet): JsonDataSet {
  const found: Record<string, JsonElement> = {}
  for (const element of dataSet.elements) {
    const { tag } = element
    const isGroupLength = (tag & 0xffff) === 0
    const key = keyOf(tag)
    // Of several with the same tag, which the standard forbids, the first.
    if (isGroupLength || key === specificCharacterSet || Object.hasOwn(found, key)) continue
    found[key] = readElement(file, dataSet, element)
  }
  return found
}

function readElement(file: DicomFile, dataSet: DataSet, element: Element): JsonElement {
  const { items, tag } = element
  if (items !== undefined) {
    return withValues(
      'SQ',
      items.map((item) => readDataSet(file, item)),
    )
  }
  // Who did not know an attribute wrote UN; its value is what it always was (PS3.5 6.2.2).
  const vr = element.vr === 'UN' ? (vrOf(tag) ?? 'UN') : element.vr
  if (vr === 'PN') return withValues(vr, file.strings(dataSet, tag).map(personName))
  if (isText(vr) || vr === 'AT') {
    return withValues(
      vr,
      file.strings(dataSet, tag).map((text) => (text === '' ? null : text)),
    )
  }
  const numbers = file.numbers(dataSet, tag)
  if (numbers.length > 0) {
    return withValues(
      vr,
      numbers.map((each) => (Number.isFinite(each) ? each : String(each))),
    )
  }
  return element.length === 0
    ? { vr }
    : { vr, InlineBinary: file.bytes(element).toString('base64') }
}

function withValues(vr: string, values: NonNullable<JsonElement['Value']>): JsonElement {
  return values.length === 0 ? { vr } : { vr, Value: values }
}

function personName(text: string): JsonPersonName | null {
  if (text === '') return null
  const groups = text.split('=')
  return Object.fromEntries(
    nameGroups.flatMap((name, at) => {
      const group = groups[at] ?? ''
      return group === '' ? [] : [[name, group]]
    }),
  )
}

const specificCharacterSet = '00080005'

export function keyOf(tag: number): string {
  return tag.toString(16).toUpperCase().padStart(8, '0')
}

/** The values as text; what is no text (a sequence, numbers) has none. */
export function textsOf(dataSet: JsonDataSet, key: string): string[] {
  const element = dataSet[key]
  if (element === undefined || element.vr === 'SQ') return []
  return (element.Value ?? []).flatMap((value) => {
    if (typeof value === 'string') return [value]
    if (typeof value !== 'object' || value === null) return []
    const groups = nameGroups.map((name) => (value as JsonPersonName)[name] ?? '')
    return [groups.join('=').replace(/=+$/, '')]
  })
}

/** The first value as text; undefined where there is none. */
export function textOf(dataSet: JsonDataSet, key: string): string | undefined {
  return textsOf(dataSet, key)[0]
}

/** The items of a sequence; of anything else none. */
export function itemsOf(dataSet: JsonDataSet, key: string): readonly JsonDataSet[] {
  const element = dataSet[key]
  return element?.vr === 'SQ' ? ((element.Value ?? []) as readonly JsonDataSet[]) : []
}

export function isEmpty(element: JsonElement): boolean {
  return element.Value === undefined && element.InlineBinary === undefined
}

/** The same value: the order of elements, and whether a VR was said, do not count. */
export function isSameValue(a: JsonElement, b: JsonElement): boolean {
  return JSON.stringify(ordered(a)) === JSON.stringify(ordered(b))
}

function ordered(element: JsonElement): unknown {
  if (element.vr !== 'SQ') return [element.Value, element.InlineBinary]
  return itemsOf({ it: element }, 'it').map((item) =>
    Object.keys(item)
      .sort()
      .map((key) => [key, ordered(item[key] ?? { vr: 'UN' })]),
  )
}
