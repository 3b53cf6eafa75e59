import { readCsaHeader } from './csa-header.ts'
import type { DicomFile } from './dicom-file.ts'
import { privateElement } from './private-elements.ts'

type CsaHeader = ReadonlyMap<string, readonly string[]>

const creator = 'SIEMENS CSA HEADER'
const imageHeader = 0x10
const seriesHeader = 0x20
/** Real ones have some 10 kB, with the protocol some 100 kB. */
const longestHeader = 4 << 20

/** A number, or the word of a choice; what is longer is damage. */
const longestNumber = 64

/** Names of the original's series JSON that are read out of Siemens' private headers. */
export const siemensFieldNames = [
  'NumSlices',
  'MeasID',
  'siemensUUID',
  'PhaseEncodingDirectionPositive',
] as const
export type SiemensFieldName = (typeof siemensFieldNames)[number]

/** Lines of the protocol (`key = value` between ASCCONV marks) that the fields stand in. */
const protocolKeys: Readonly<Partial<Record<SiemensFieldName, string>>> = {
  NumSlices: 'sGroupArray.asGroup[0].nSize',
  MeasID: 'SequenceID',
  siemensUUID: 'sWipMemBlock.tFree',
}

const protocolTag = 'MrPhoenixProtocol'
const wantedTags: ReadonlySet<string> = new Set([
  'PhaseEncodingDirectionPositive',
  'B_value',
  'DiffusionDirectionality',
  'DiffusionGradientDirection',
  protocolTag,
])

/** What Siemens' private header of an image says of its diffusion weighting. */
export interface SiemensDiffusion {
  readonly B_value: string
  readonly DiffusionDirectionality?: string
  /** A vector of three numbers, as text; none where the weighting has no direction. */
  readonly DiffusionGradientDirection?: readonly string[]
}

/** Undefined of an object that is not weighted by diffusion, or not of Siemens. */
export function siemensDiffusion(file: DicomFile): SiemensDiffusion | undefined {
  const header = headerOf(file, imageHeader)
  const shortOf = (name: string): string[] =>
    (header?.get(name) ?? []).slice(0, 3).filter(({ length }) => length <= longestNumber)
  const [value] = shortOf('B_value')
  if (value === undefined) return undefined
  const [directionality] = shortOf('DiffusionDirectionality')
  const direction = shortOf('DiffusionGradientDirection')
  return {
    B_value: value,
    ...(directionality === undefined ? {} : { DiffusionDirectionality: directionality }),
    ...(direction.length === 0 ? {} : { DiffusionGradientDirection: direction }),
  }
}

/** Of an object of Siemens, where its private headers say it. */
export function siemensField(file: DicomFile, name: SiemensFieldName): string | undefined {
  const key = protocolKeys[name]
  if (key === undefined) return headerOf(file, imageHeader)?.get(name)?.[0]
  const protocol = headerOf(file, seriesHeader)?.get(protocolTag)?.[0]
  return protocol === undefined ? undefined : protocolValue(protocol, key)
}

/** An object is asked for several fields in a row, and parsing a header takes longer than all else. */
const parsed = new WeakMap<DicomFile, Map<number, CsaHeader | undefined>>()

function headerOf(file: DicomFile, element: number): CsaHeader | undefined {
  const known = parsed.get(file) ?? new Map<number, CsaHeader | undefined>()
  parsed.set(file, known)
  if (!known.has(element)) known.set(element, readHeader(file, element))
  return known.get(element)
}

function readHeader(file: DicomFile, element: number): CsaHeader | undefined {
  const found = privateElement(file, 0x0029, creator, element)
  if (found === undefined || found.items !== undefined || found.fragments !== undefined)
    return undefined
  if (found.length > longestHeader) return undefined
  return readCsaHeader(file.bytes(found), wantedTags)
}

/** The lines are many thousand, and most of them long: none is cut out but the one that is asked for. */
function protocolValue(protocol: string, key: string): string | undefined {
  for (let at = protocol.indexOf(key); at !== -1; at = protocol.indexOf(key, at + 1)) {
    const start = protocol.lastIndexOf('\n', at) + 1
    const end = protocol.indexOf('\n', at)
    const line = protocol.slice(start, end === -1 ? protocol.length : end)
    const equals = line.indexOf('=')
    if (equals === -1 || line.slice(0, equals).trim() !== key) continue
    const text = line
      .slice(equals + 1)
      .replaceAll('"', '')
      .trim()
    return text === '' ? undefined : text
  }
  return undefined
}
