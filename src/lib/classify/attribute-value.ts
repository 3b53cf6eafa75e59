import { type DataSet, type DicomFile, type Element, vrOf } from '../dicom/index.ts'
import { bytesLiteral, floatText, textList } from '../text/index.ts'
import { longestText } from '../regexp/index.ts'

/** What a test sees of an attribute. */
export interface Value {
  /** `decimal` is a number written as text (IS, DS), `other` has no value to compare (sequences). */
  readonly form: 'text' | 'name' | 'decimal' | 'number' | 'bytes' | 'other'
  /** Each value as text; [] when the element is empty. */
  readonly texts: readonly string[]
  readonly isList: boolean
  /** All of it as Python's str() writes it: what a regexp is matched against. */
  readonly text: string
}

const binaryNumbers = new Set('US SS UL SL UV SV'.split(' '))
const bulk = new Set('OB OD OF OL OV OW UN'.split(' '))

/** The value of a tag, of the object itself unless told otherwise; undefined where it is lacking. */
export function attributeValue(
  file: DicomFile,
  tag: number,
  dataSet: DataSet = file.dataSet,
): Value | undefined {
  const element = dataSet.get(tag)
  if (element === undefined) return undefined
  const vr = element.vr === 'UN' ? (vrOf(tag) ?? 'UN') : element.vr
  if (element.items !== undefined || element.fragments !== undefined || vr === 'SQ') return other
  if (bulk.has(vr)) return bytesValue(file, element)
  const texts = file.strings(dataSet, tag)
  switch (vr) {
    case 'FL':
    case 'FD':
      return plainList(
        'number',
        texts.map((text) => floatText(Number(text))),
        'None',
      )
    case 'AT':
      return plainList('number', texts.map(pythonTag), 'None')
    case 'IS':
    case 'DS':
      return plainList('decimal', texts, 'None')
    case 'PN':
      return plainList('name', texts, '')
    default:
      if (binaryNumbers.has(vr)) return plainList('number', texts, 'None')
  }
  return textValue(texts)
}

const other: Value = { form: 'other', texts: [], isList: false, text: '' }

export function textValue(texts: readonly string[]): Value {
  const isList = texts.length > 1
  return { form: 'text', texts, isList, text: isList ? textList(texts) : (texts[0] ?? '') }
}

/** Numbers, and person names, stand in a list without quotes. */
function plainList(form: Value['form'], texts: readonly string[], empty: string): Value {
  const isList = texts.length > 1
  return { form, texts, isList, text: isList ? `[${texts.join(', ')}]` : (texts[0] ?? empty) }
}

/** `(0018,1063)` as pydicom writes it. */
function pythonTag(text: string): string {
  return text.toLowerCase().replace(',', ', ')
}

/** Bytes of unknown meaning: `texts` is what they say when they are text after all. */
function bytesValue(file: DicomFile, element: Element): Value {
  const bytes = file.range(element.offset, Math.min(element.length, longestText))
  let end = bytes.length
  while (end > 0 && (bytes[end - 1] === 0 || bytes[end - 1] === 0x20)) end -= 1
  const text = bytes.toString('utf8', 0, end)
  return {
    form: 'bytes',
    texts: text === '' ? [] : [text],
    isList: false,
    text: bytesLiteral(bytes),
  }
}

/** One of several values, counted from 0. */
export function valueAt(value: Value, index: number): Value | undefined {
  const text = value.texts[index]
  return text === undefined ? undefined : { form: value.form, texts: [text], isList: false, text }
}

/** The values of one attribute in several items, in their order; undefined where none has it. */
export function joinedValue(values: readonly Value[]): Value | undefined {
  const [first] = values
  if (first === undefined || values.length === 1) return first
  const texts = values.flatMap((value) => value.texts)
  if (first.form === 'other') return first
  if (first.form === 'text' || first.form === 'bytes') return textValue(texts)
  return plainList(first.form, texts, first.form === 'name' ? '' : 'None')
}
