// What dcmjs reads out of a file, and where that is not what we read.
import { createRequire } from 'node:module'
import { type DataSet, type DicomFile, type Element, isText } from '../../src/lib/dicom/index.ts'
import {
  type Difference,
  differences,
  type Found,
  readOurs,
  unpadded,
  withoutEmptyGroups,
} from './readings.ts'

interface DcmjsElement {
  readonly vr: string
  readonly Value?: readonly unknown[]
}
type DcmjsDataSet = Readonly<Record<string, DcmjsElement>>
interface Logger {
  setLevel(level: string): void
}
interface Dcmjs {
  readonly log: Logger & { getLogger(name: string): Logger }
  readonly data: {
    readonly DicomMessage: { readFile(bytes: ArrayBuffer): { readonly dict: DcmjsDataSet } }
  }
}

const numericText = new Set(['DS', 'IS'])
const binaryNumbers = new Set('FD FL SL SS UL US'.split(' '))
/** It takes them for several values at each backslash, and cuts white space off their ends. */
const longTexts = new Set('LT ST UR UT'.split(' '))

/** For both readers: what dcmjs cannot tell apart is one. */
function asDcmjsTells(path: string, vr: string, values: readonly unknown[]): unknown {
  const isText = values.every((value) => typeof value === 'string')
  const isItem = path.includes('/')
  if (isText && isItem && values.some((value) => /[^\0-\x7f]/.test(value))) return [vr, 'not ASCII']
  if (isText && longTexts.has(vr)) return [vr, values.join('\\').replace(/ +\\/g, '\\').trim()]
  if (isText && vr === 'PN')
    return [vr, values.map(withoutEmptyGroups).filter((name) => name !== '')]
  // What is empty it says to be 0, null or an empty text.
  return [vr, values.length === 1 && !values[0] ? [] : values]
}

function nameOf(value: Readonly<Record<string, string>>): string {
  const { Alphabetic = '', Ideographic = '', Phonetic = '' } = value
  return [Alphabetic, Ideographic, Phonetic].join('=')
}

function dcmjsValue(value: unknown, vr: string): unknown {
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString('hex')
  if (vr === 'PN') return nameOf(value as Readonly<Record<string, string>>)
  return typeof value === 'string' ? unpadded(value, vr) : value
}

function readDcmjs(dataSet: DcmjsDataSet, above = '', found = new Map<string, unknown>()): Found {
  for (const [key, { vr, Value = [] }] of Object.entries(dataSet)) {
    const path = above + key.toLowerCase()
    // It always claims UTF-8, into which it has turned all texts.
    if (key === '00080005') continue
    if (vr === 'SQ') {
      found.set(path, Value.length)
      Value.forEach((item, number) => {
        readDcmjs(item as DcmjsDataSet, `${path}/${String(number)}/`, found)
      })
    } else {
      const values = Value.map((value) => dcmjsValue(value, vr))
      found.set(path, asDcmjsTells(path, vr, values))
    }
  }
  return found
}

function valuesForDcmjs(file: DicomFile, dataSet: DataSet, element: Element): readonly unknown[] {
  const { tag, vr, fragments } = element
  if (numericText.has(vr) || binaryNumbers.has(vr)) return file.numbers(dataSet, tag)
  const texts = file.strings(dataSet, tag)
  if (isText(vr)) return texts
  // Of a tag it says the number.
  if (vr === 'AT') return texts.map((text) => Number.parseInt(text.replace(/\W/g, ''), 16))
  // The first is the offset table.
  const parts = fragments === undefined ? [element] : fragments.slice(1)
  return parts.map(({ offset, length }) => file.range(offset, length).toString('hex'))
}

/** @throws where dcmjs cannot read it */
export function besideDcmjs(bytes: Buffer): Difference[] {
  const dcmjs = createRequire(import.meta.url)('dcmjs') as Dcmjs
  for (const log of [dcmjs.log, dcmjs.log.getLogger('validation.dcmjs')]) log.setLevel('silent')
  const { dict } = dcmjs.data.DicomMessage.readFile(Uint8Array.from(bytes).buffer)
  // It passes empty items over.
  const isThere = (item: DataSet): boolean => item.elements.length > 0
  const ours = readOurs(
    bytes,
    (file, dataSet, element, path) =>
      asDcmjsTells(path, element.vr, valuesForDcmjs(file, dataSet, element)),
    isThere,
  )
  return differences(readDcmjs(dict), ours).filter(({ path }) => !path.endsWith('00080005'))
}
