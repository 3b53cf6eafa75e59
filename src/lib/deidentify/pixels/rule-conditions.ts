import type { DicomFile } from '../../dicom/index.ts'
import { BoundedRegExp, PatternError } from '../../regexp/index.ts'

/** Does an object fit one condition of a rule? */
export type Condition = (file: DicomFile, types: readonly string[]) => boolean

/** Makes a condition of what stands in a profile. @throws ConditionError */
type Compile = (value: unknown) => Condition

/** What is wrong with the value of a condition; who knows where it stands says so. */
export class ConditionError extends Error {}

/** One of these words, in any case. */
const isOneOf =
  (tag: number): Compile =>
  (value) => {
    const words = textsOf(value).map((word) => word.toUpperCase())
    return (file) =>
      file.strings(file.dataSet, tag).some((there) => words.includes(there.toUpperCase()))
  }

/** A regular expression, in any case, that is found in the values; an absent one is empty. */
const matches =
  (tag: number): Compile =>
  (value) => {
    if (typeof value !== 'string') throw new ConditionError('must be a regular expression')
    const pattern = compiled(value)
    return (file) => pattern.test(file.strings(file.dataSet, tag).join('\\'))
  }

/** One of these numbers. */
const isNumber =
  (tag: number): Compile =>
  (value) => {
    const numbers: readonly unknown[] = Array.isArray(value) ? value : [value]
    const isRight = numbers.every(
      (one) => typeof one === 'number' && Number.isInteger(one) && one > 0 && one <= 0xffff,
    )
    if (!isRight || numbers.length === 0) {
      throw new ConditionError('must be a whole number from 1 to 65535, or several')
    }
    return (file) => {
      const [there] = file.numbers(file.dataSet, tag)
      return there !== undefined && numbers.includes(there)
    }
  }

const hasType: Compile = (value) => {
  const wanted = textsOf(value)
  return (_, types) => wanted.some((type) => types.includes(type))
}

/** What rules about pixels may ask for. */
export const pixelConditions: Readonly<Record<string, Compile>> = {
  modality: isOneOf(0x00080060),
  sopClass: isOneOf(0x00080016),
  manufacturer: matches(0x00080070),
  model: matches(0x00081090),
  stationName: matches(0x00081010),
  softwareVersions: matches(0x00181020),
  imageType: matches(0x00080008),
  seriesDescription: matches(0x0008103e),
  photometricInterpretation: isOneOf(0x00280004),
  burnedInAnnotation: isOneOf(0x00280301),
  rows: isNumber(0x00280010),
  columns: isNumber(0x00280011),
  classifyType: hasType,
}

function textsOf(value: unknown): string[] {
  const all: readonly unknown[] = Array.isArray(value) ? value : [value]
  const texts = all.filter((one) => typeof one === 'string' && one !== '')
  if (texts.length === 0 || texts.length < all.length) {
    throw new ConditionError('must be a text, or several')
  }
  return texts as string[]
}

function compiled(source: string): BoundedRegExp {
  try {
    return new BoundedRegExp(source.startsWith('(?') ? source : `(?i)${source}`)
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    throw new ConditionError(`is no regular expression: ${error.message}`)
  }
}
