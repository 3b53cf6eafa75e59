import type { DicomFile } from '../dicom/index.ts'
import { attributeValue, type Value } from './attribute-value.ts'

/** Longer ones are seldom the same, and those that rules ask for are short. */
const longestRemembered = 64
const mostRemembered = 256

/** Bytes that mean the same in every character set: without escapes, and none of them beyond ASCII. */
const plain = /^[^\u001b\u0080-\u00ff]*$/

interface Remembered {
  readonly vr: string
  readonly littleEndian: boolean
  readonly value: Value
}

/**
 * Reads the value of a tag. From one object to the next most values are the same bytes: then they are the same `Value`,
 * which is not made again, and of which nobody needs to find out again what a test says.
 */
export function rememberingReader(tag: number): (file: DicomFile) => Value | undefined {
  const remembered = new Map<string, Remembered>()
  return (file) => {
    const { dataSet } = file
    const element = dataSet.get(tag)
    if (element === undefined) return undefined
    const { vr, length, items, fragments } = element
    // What is in UN depends on more than its bytes.
    const isSimple = items === undefined && fragments === undefined && vr !== 'UN'
    if (!isSimple || length > longestRemembered) return attributeValue(file, tag)
    const text = file.rawText(element)
    const { littleEndian } = dataSet
    const known = remembered.get(text)
    if (known?.vr === vr && known.littleEndian === littleEndian) return known.value
    const value = attributeValue(file, tag)
    if (value === undefined || !plain.test(text)) return value
    if (remembered.size >= mostRemembered) remembered.clear()
    remembered.set(text, { vr, littleEndian, value })
    return value
  }
}
