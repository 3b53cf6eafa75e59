import { readCsaHeader } from './csa-header.ts'
import type { DicomFile } from './dicom-file.ts'

type CsaHeader = ReadonlyMap<string, readonly string[]>

const creator = 'SIEMENS CSA HEADER'
const imageHeader = 0x10
const seriesHeader = 0x20
/** Real ones have some 10 kB, with the protocol some 100 kB. */
const longestHeader = 4 << 20

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

/** Of an object of Siemens, where its private headers say it. */
export function siemensField(file: DicomFile, name: SiemensFieldName): string | undefined {
  const key = protocolKeys[name]
  if (key === undefined) return headerOf(file, imageHeader)?.get(name)?.[0]
  const protocol = headerOf(file, seriesHeader)?.get('MrPhoenixProtocol')?.[0]
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

/** Private elements lie in the block that their creator has reserved (PS3.5 7.8.1). */
function readHeader(file: DicomFile, element: number): CsaHeader | undefined {
  for (let block = 0x10; block <= 0xff; block++) {
    const reservation = file.dataSet.get(0x00290000 + block)
    if (reservation === undefined || reservation.length > 64) continue
    const owner = file.bytes(reservation).toString('latin1').replaceAll('\0', ' ').trim()
    if (owner !== creator) continue
    const found = file.dataSet.get(0x00290000 + block * 0x100 + element)
    if (found === undefined || found.items !== undefined || found.fragments !== undefined) continue
    if (found.length > 0 && found.length <= longestHeader) return readCsaHeader(file.bytes(found))
  }
  return undefined
}

function protocolValue(protocol: string, key: string): string | undefined {
  for (const line of protocol.split('\n')) {
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
