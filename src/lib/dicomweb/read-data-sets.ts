import { readNativeXml } from './native-xml.ts'
import type { WebAnswer } from './web-client.ts'

/** A data set in the DICOM JSON model (PS3.18 F.2), as far as it holds what it should: nobody has checked it. */
export interface JsonDataSet {
  /** Eight hexadecimal digits, upper case. */
  readonly [tag: string]: { readonly vr?: unknown; readonly Value?: unknown } | undefined
}

/**
 * The data sets of an answer, in the DICOM JSON model (PS3.18 F) or the Native DICOM Model in XML (PS3.19 A.1).
 * @returns undefined when it is neither
 */
export function readDataSets({ contentType, body }: WebAnswer): JsonDataSet[] | undefined {
  if (/^(application\/(dicom\+)?json)$/.test(contentType)) return readJson(body)
  if (/^(application\/(dicom\+)?xml|text\/xml)$/.test(contentType)) {
    const dataSet = readNativeXml(body.toString())
    return dataSet === undefined ? undefined : [dataSet]
  }
  return undefined
}

function readJson(body: Buffer): JsonDataSet[] | undefined {
  try {
    const value: unknown = JSON.parse(body.toString())
    const all: readonly unknown[] = Array.isArray(value) ? value : [value]
    return all.every(isDataSet) ? [...all] : undefined
  } catch {
    return undefined
  }
}

function isDataSet(value: unknown): value is JsonDataSet {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every((element) => typeof element === 'object' && element !== null)
}

/** The data sets in a sequence. */
export function itemsOf(dataSet: JsonDataSet, tag: string): JsonDataSet[] {
  const value = dataSet[tag]?.Value
  return Array.isArray(value) ? value.filter(isDataSet) : []
}

/** The first value of a text. */
export function textOf(dataSet: JsonDataSet, tag: string): string | undefined {
  const value: unknown = Array.isArray(dataSet[tag]?.Value) ? dataSet[tag].Value[0] : undefined
  return typeof value === 'string' ? value.trim() : undefined
}

/** The first value of a number; some write it as text. */
export function numberOf(dataSet: JsonDataSet, tag: string): number | undefined {
  const value: unknown = Array.isArray(dataSet[tag]?.Value) ? dataSet[tag].Value[0] : undefined
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isInteger(number) ? number : undefined
}
