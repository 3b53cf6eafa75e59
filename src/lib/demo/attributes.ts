import { type OutElement, encodeText, tagOf, vrOf } from '../dicom/index.ts'

type Value = string | number | Buffer | readonly (string | number)[]
/** Elements by keyword; a list of objects is a sequence. */
export interface Attributes {
  readonly [keyword: string]: Value | readonly Attributes[]
}

/** @param characterSets defined terms of Specific Character Set, for the texts */
export function elementsOf(
  attributes: Attributes,
  characterSets: readonly string[],
): readonly OutElement[] {
  return Object.entries(attributes).map(([keyword, value]): OutElement => {
    const tag = tagOf(keyword)
    const vr = tag === undefined ? undefined : vrOf(tag)
    if (tag === undefined || vr === undefined) throw new Error(`no attribute is called ${keyword}`)
    if (isSequence(value)) {
      return { tag, vr: 'SQ', items: value.map((item) => elementsOf(item, characterSets)) }
    }
    if (Buffer.isBuffer(value)) return { tag, vr, value }
    return { tag, vr, value: encode(keyword, vr, [value].flat(), characterSets) }
  })
}

function isSequence(value: Value | readonly Attributes[]): value is readonly Attributes[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'object')
}

function encode(
  keyword: string,
  vr: string,
  values: readonly (string | number)[],
  characterSets: readonly string[],
): Buffer {
  if (vr === 'US') return Buffer.from(Uint16Array.from(values, Number).buffer)
  if (vr === 'SL') return Buffer.from(Int32Array.from(values, Number).buffer)
  if (vr === 'FL') return Buffer.from(Float32Array.from(values, Number).buffer)
  const bytes = encodeText(values.join('\\'), vr, characterSets)
  if (bytes !== undefined) return bytes
  throw new Error(`${keyword} cannot be written in ${characterSets.join(', ')}`)
}
