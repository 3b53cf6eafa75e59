import {
  DicomFile,
  type OutElement,
  TransferSyntax,
  encodeDataSet,
  encodeText,
  formatTag,
  isKnownVR,
  isText,
  seriesFields,
  tagOf,
  vrOf,
} from '../dicom/index.ts'
import { nearestName } from './nearest-name.ts'
import { type JsonMember, type JsonNode, type JsonObject, memberOf } from './json-source.ts'
import type { Problems } from './problems.ts'
import { shown } from './read-values.ts'

const utf8 = 'ISO_IR 192'

/**
 * The header that the attributes of a case describe, as DICOM: it is read back like one that was
 * received, so that a test says what will happen. What is wrong goes into `problems`.
 */
export class CaseHeader {
  readonly #problems: Problems
  #characterSets: readonly string[] = [utf8]
  #isAscii = true

  private constructor(problems: Problems) {
    this.#problems = problems
  }

  /** Bytes of a data set in explicit VR little endian. */
  static encode(attributes: JsonObject, problems: Problems): Buffer {
    return new CaseHeader(problems).#encode(attributes)
  }

  #encode(attributes: JsonObject): Buffer {
    const declared = ['SpecificCharacterSet', '00080005', '0008,0005']
      .map((key) => memberOf(attributes, key))
      .find((member) => member !== undefined)
    if (declared !== undefined) {
      this.#characterSets = this.#values(declared.value).map((node) =>
        node.kind === 'scalar' ? String(node.value) : '',
      )
    }
    const elements = this.#elements(attributes)
    if (declared === undefined && !this.#isAscii) {
      elements.push({ tag: 0x00080005, vr: 'CS', value: Buffer.from(utf8) })
    }
    const parts = encodeDataSet(elements, { littleEndian: true, explicitVR: true })
    return Buffer.concat([...parts].filter((part) => Buffer.isBuffer(part)))
  }

  #elements({ members }: JsonObject): OutElement[] {
    const seen = new Set<number>()
    return members.flatMap((member) => {
      const tag = this.#tag(member)
      if (tag === undefined) return []
      if (seen.has(tag)) {
        this.#problems.mistake(member.offset, `${formatTag(tag)} stands there twice`)
      }
      seen.add(tag)
      return this.#element(tag, member) ?? []
    })
  }

  #tag({ key, offset }: JsonMember): number | undefined {
    const digits = /^([0-9a-f]{4}),?([0-9a-f]{4})$/i.exec(key)
    const tag =
      digits === null
        ? (tagOf(key) ?? seriesFields().get(key))
        : Number.parseInt(`${String(digits[1])}${String(digits[2])}`, 16)
    if (tag === undefined) {
      const guess = nearestName(key)
      const meant = guess === undefined ? '' : `; did you mean "${guess}"?`
      this.#problems.mistake(offset, `"${key}" is no attribute of DICOM${meant}`)
      return undefined
    }
    // Groups up to 0007 are of messages and file headers, FFFE are delimiters: no data set has them.
    if (tag >= 0x00080000 && tag < 0xfffe0000) return tag
    this.#problems.mistake(offset, `${formatTag(tag)} is no attribute of a data set`)
    return undefined
  }

  #element(tag: number, { value, offset }: JsonMember): OutElement | undefined {
    const given = value.kind === 'object' ? textOf(memberOf(value, 'vr')?.value) : undefined
    const values = this.#values(value)
    const isNegative = values.some((node) => node.kind === 'scalar' && Number(node.value) < 0)
    const vr = given ?? vrOf(tag, isNegative)
    if (vr === undefined || !isKnownVR(vr)) {
      const message = `the VR of ${formatTag(tag)} is not known; write { "vr": "LO", "Value": [ … ] }`
      this.#problems.mistake(offset, message)
      return undefined
    }
    if (vr === 'SQ') {
      const items = values.map((node) => (node.kind === 'object' ? this.#elements(node) : []))
      const other = values.find(({ kind }) => kind !== 'object')
      if (other !== undefined) this.#refuse(other, 'an item of a sequence is an object')
      return { tag, vr, items }
    }
    const inline = value.kind === 'object' ? memberOf(value, 'InlineBinary')?.value : undefined
    if (inline !== undefined) {
      return { tag, vr, value: Buffer.from(textOf(inline) ?? '', 'base64') }
    }
    if (isText(vr)) return { tag, vr, value: this.#text(vr, values) }
    return { tag, vr, value: Buffer.concat(values.map((node) => this.#binary(vr, node))) }
  }

  /** Of a plain value, several in an array, or the DICOM JSON model (PS3.18 F.2.2). */
  #values(node: JsonNode): readonly JsonNode[] {
    if (node.kind === 'array') return node.items
    if (node.kind === 'scalar') return node.value === null ? [] : [node]
    const value = memberOf(node, 'Value')?.value
    if (value === undefined) {
      const isModel = memberOf(node, 'vr') !== undefined
      if (memberOf(node, 'BulkDataURI') !== undefined || !isModel) {
        this.#refuse(node, 'a value is a text, a number, an array, or { "vr": …, "Value": [ … ] }')
      }
      return []
    }
    if (value.kind === 'array') return value.items
    this.#refuse(value, '"Value" is an array')
    return []
  }

  #text(vr: string, values: readonly JsonNode[]): Buffer {
    const texts = values.map((node) => {
      const text = node.kind === 'object' && vr === 'PN' ? personName(node) : textOf(node)
      if (text === undefined) {
        this.#refuse(node, `a value of VR ${vr} is a text or a number`)
        return ''
      }
      if (/[^\x00-\x7f]/.test(text)) this.#isAscii = false
      if (encodeText(text, vr, this.#characterSets) === undefined) {
        this.#refuse(node, `VR ${vr} or the character set has no way to write this text`)
      }
      return text
    })
    return encodeText(texts.join('\\'), vr, this.#characterSets) ?? Buffer.alloc(0)
  }

  #binary(vr: string, node: JsonNode): Buffer {
    const write = writers[vr]
    if (write === undefined) {
      this.#refuse(node, `a value of VR ${vr} is written as { "vr": "${vr}", "InlineBinary": … }`)
      return Buffer.alloc(0)
    }
    try {
      return write(node.kind === 'scalar' ? node.value : null)
    } catch {
      this.#refuse(node, `this is no value of VR ${vr}`)
      return Buffer.alloc(0)
    }
  }

  #refuse(node: JsonNode, message: string): void {
    this.#problems.mistake(node.offset, `${message}, not ${shown(node)}`)
  }
}

/** What a rule sees of encoded attributes: the same reader as for stored objects, in front of the pixels. */
export function openCase(dataSet: Buffer): DicomFile {
  return DicomFile.fromDataSet(dataSet, TransferSyntax.ExplicitVRLittleEndian, {
    stopAtPixelData: true,
  })
}

function textOf(node: JsonNode | undefined): string | undefined {
  if (node?.kind !== 'scalar' || typeof node.value === 'boolean') return undefined
  return node.value === null ? '' : String(node.value)
}

function personName(node: JsonObject): string {
  const groups = ['Alphabetic', 'Ideographic', 'Phonetic']
  const texts = groups.map((group) => textOf(memberOf(node, group)?.value) ?? '')
  return texts.join('=').replace(/=+$/, '')
}

type Writer = (value: string | number | boolean | null) => Buffer

/** Each throws what is no number, or too large a one. */
const writers: Readonly<Record<string, Writer | undefined>> = {
  US: fixed(2, (bytes, n) => bytes.writeUInt16LE(n)),
  SS: fixed(2, (bytes, n) => bytes.writeInt16LE(n)),
  UL: fixed(4, (bytes, n) => bytes.writeUInt32LE(n)),
  SL: fixed(4, (bytes, n) => bytes.writeInt32LE(n)),
  UV: (value) => long((bytes, n) => bytes.writeBigUInt64LE(n), value),
  SV: (value) => long((bytes, n) => bytes.writeBigInt64LE(n), value),
  FL: fixed(4, (bytes, n) => bytes.writeFloatLE(n), false),
  FD: fixed(8, (bytes, n) => bytes.writeDoubleLE(n), false),
  AT: (value) => {
    const digits = /^\(?([0-9a-f]{4}),?([0-9a-f]{4})\)?$/i.exec(String(value))
    if (digits === null) throw new TypeError('no tag')
    const bytes = Buffer.alloc(4)
    bytes.writeUInt16LE(Number.parseInt(String(digits[1]), 16))
    bytes.writeUInt16LE(Number.parseInt(String(digits[2]), 16), 2)
    return bytes
  },
}

function fixed(size: number, write: (bytes: Buffer, n: number) => void, isInteger = true): Writer {
  return (value) => {
    const n = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
    if (typeof n !== 'number' || Number.isNaN(n)) throw new TypeError('no number')
    if (isInteger && !Number.isInteger(n)) throw new TypeError('no integer')
    const bytes = Buffer.alloc(size)
    write(bytes, n)
    return bytes
  }
}

function long(write: (bytes: Buffer, n: bigint) => void, value: unknown): Buffer {
  const bytes = Buffer.alloc(8)
  write(bytes, BigInt(value as string | number))
  return bytes
}
