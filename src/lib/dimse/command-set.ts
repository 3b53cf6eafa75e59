import { AbortReason, AbortSource, ProtocolError } from './pdu/index.ts'
import { unpaddedText } from './pdu/unpadded-text.ts'

/** Command Field (0000,0100), PS3.7 annex E. A response has bit 15 set: `request | 0x8000`. */
export const CommandField = {
  CStoreRequest: 0x0001,
  CStoreResponse: 0x8001,
  CGetRequest: 0x0010,
  CFindRequest: 0x0020,
  CFindResponse: 0x8020,
  CMoveRequest: 0x0021,
  CEchoRequest: 0x0030,
  CEchoResponse: 0x8030,
  NEventReportRequest: 0x0100,
  NEventReportResponse: 0x8100,
  NGetRequest: 0x0110,
  NSetRequest: 0x0120,
  NSetResponse: 0x8120,
  NActionRequest: 0x0130,
  NActionResponse: 0x8130,
  NCreateRequest: 0x0140,
  NCreateResponse: 0x8140,
  NDeleteRequest: 0x0150,
  CCancelRequest: 0x0fff,
} as const

export const responseBit = 0x8000

/** Command Data Set Type (0000,0800): this value says that no data set follows, any other that one does. */
export const noDataSet = 0x0101
/** What we write where one follows (PS3.7 table E.1-1 leaves it open; some peers know only 0 and 1). */
export const withDataSet = 0x0001

/** The elements of group 0000 in use, PS3.7 annex E. What a message lacks is absent. */
export interface CommandSet {
  readonly AffectedSOPClassUID?: string
  readonly RequestedSOPClassUID?: string
  readonly CommandField: number
  readonly MessageID?: number
  readonly MessageIDBeingRespondedTo?: number
  readonly MoveDestination?: string
  readonly Priority?: number
  readonly CommandDataSetType: number
  readonly Status?: number
  /** Tags, as unsigned 32-bit numbers. */
  readonly OffendingElement?: readonly number[]
  /** At most 64 characters. */
  readonly ErrorComment?: string
  readonly ErrorID?: number
  readonly AffectedSOPInstanceUID?: string
  readonly RequestedSOPInstanceUID?: string
  readonly EventTypeID?: number
  readonly AttributeIdentifierList?: readonly number[]
  readonly ActionTypeID?: number
  readonly NumberOfRemainingSuboperations?: number
  readonly NumberOfCompletedSuboperations?: number
  readonly NumberOfFailedSuboperations?: number
  readonly NumberOfWarningSuboperations?: number
  readonly MoveOriginatorApplicationEntityTitle?: string
  readonly MoveOriginatorMessageID?: number
}

/** Element number in group 0000 and value representation, in the order they are written in. */
const elements: Readonly<Record<keyof CommandSet, readonly [element: number, vr: Vr]>> = {
  AffectedSOPClassUID: [0x0002, 'UI'],
  RequestedSOPClassUID: [0x0003, 'UI'],
  CommandField: [0x0100, 'US'],
  MessageID: [0x0110, 'US'],
  MessageIDBeingRespondedTo: [0x0120, 'US'],
  MoveDestination: [0x0600, 'AE'],
  Priority: [0x0700, 'US'],
  CommandDataSetType: [0x0800, 'US'],
  Status: [0x0900, 'US'],
  OffendingElement: [0x0901, 'AT'],
  ErrorComment: [0x0902, 'LO'],
  ErrorID: [0x0903, 'US'],
  AffectedSOPInstanceUID: [0x1000, 'UI'],
  RequestedSOPInstanceUID: [0x1001, 'UI'],
  EventTypeID: [0x1002, 'US'],
  AttributeIdentifierList: [0x1005, 'AT'],
  ActionTypeID: [0x1008, 'US'],
  NumberOfRemainingSuboperations: [0x1020, 'US'],
  NumberOfCompletedSuboperations: [0x1021, 'US'],
  NumberOfFailedSuboperations: [0x1022, 'US'],
  NumberOfWarningSuboperations: [0x1023, 'US'],
  MoveOriginatorApplicationEntityTitle: [0x1030, 'AE'],
  MoveOriginatorMessageID: [0x1031, 'US'],
}
type Vr = 'UI' | 'US' | 'AE' | 'LO' | 'AT'
type Value = string | number | readonly number[]

const byElement = new Map(
  Object.entries(elements).map(([keyword, [element, vr]]) => [element, { keyword, vr }]),
)
/** Group, element, 32-bit length: implicit VR little endian, whatever was negotiated (PS3.7 6.3.1). */
const headerBytes = 8

/**
 * Elements that we do not know, and those of other groups, are passed over.
 * @throws ProtocolError when lengths do not fit, or without Command Field and Command Data Set Type
 */
export function decodeCommandSet(bytes: Buffer): CommandSet {
  const found: Record<string, Value> = {}
  for (let at = 0; at < bytes.length;) {
    if (bytes.length - at < headerBytes) throw malformed('a command set ends within an element')
    const group = bytes.readUInt16LE(at)
    const element = bytes.readUInt16LE(at + 2)
    const length = bytes.readUInt32LE(at + 4)
    at += headerBytes
    if (length > bytes.length - at) throw malformed('a command element is longer than its set')
    const known = group === 0 ? byElement.get(element) : undefined
    if (known !== undefined) {
      const value = decodeValue(known.vr, bytes.subarray(at, at + length))
      if (value !== undefined) found[known.keyword] = value
    }
    at += length
  }
  if (found['CommandField'] === undefined || found['CommandDataSetType'] === undefined) {
    throw malformed('a command set without Command Field or Command Data Set Type')
  }
  return found as unknown as CommandSet
}

/** Undefined for an empty value, and where the length cannot be that of the VR. */
function decodeValue(vr: Vr, bytes: Buffer): Value | undefined {
  if (bytes.length === 0) return undefined
  if (vr === 'US') return bytes.length === 2 ? bytes.readUInt16LE(0) : undefined
  if (vr !== 'AT') return unpaddedText(bytes)
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) => {
    const at = index * 4
    return bytes.readUInt16LE(at) * 0x10000 + bytes.readUInt16LE(at + 2)
  })
}

/** With Command Group Length (0000,0000) in front. One buffer: a response is written for every object. */
export function encodeCommandSet(command: CommandSet): Buffer {
  let groupLength = 0
  for (const [keyword] of written) {
    const value = command[keyword]
    if (value !== undefined) groupLength += headerBytes + encodedLength(value)
  }
  const bytes = Buffer.allocUnsafe(headerBytes + 4 + groupLength)
  let at = writeHeader(bytes, 0, 0x0000, 4)
  at = bytes.writeUInt32LE(groupLength, at)
  for (const [keyword, element, vr] of written) {
    const value = command[keyword]
    if (value === undefined) continue
    const length = encodedLength(value)
    at = writeHeader(bytes, at, element, length)
    writeValue(bytes, at, vr, value)
    at += length
  }
  return bytes
}

const written = Object.entries(elements).map(
  ([keyword, [element, vr]]) => [keyword as keyof CommandSet, element, vr] as const,
)

/** Even, as every value in DICOM. */
function encodedLength(value: Value): number {
  if (typeof value === 'number') return 2
  return typeof value === 'string' ? value.length + (value.length % 2) : 4 * value.length
}

function writeHeader(bytes: Buffer, at: number, element: number, length: number): number {
  bytes.writeUInt16LE(0, at)
  bytes.writeUInt16LE(element, at + 2)
  return bytes.writeUInt32LE(length, at + 4)
}

function writeValue(bytes: Buffer, at: number, vr: Vr, value: Value): void {
  if (typeof value === 'number') bytes.writeUInt16LE(value, at)
  else if (typeof value === 'string') {
    bytes.write(value, at, 'latin1')
    if (value.length % 2 !== 0) bytes[at + value.length] = vr === 'UI' ? 0 : 0x20
  } else {
    value.forEach((tag, index) => {
      bytes.writeUInt16LE(tag >>> 16, at + 4 * index)
      bytes.writeUInt16LE(tag & 0xffff, at + 4 * index + 2)
    })
  }
}

export function hasDataSet(command: CommandSet): boolean {
  return command.CommandDataSetType !== noDataSet
}

export function isResponse(command: CommandSet): boolean {
  return (command.CommandField & responseBit) !== 0
}

/** Not the provider's business but the user's: PS3.8 9.3.8 has no reason to give for it. */
function malformed(message: string): ProtocolError {
  return new ProtocolError(AbortReason.notSpecified, message, { source: AbortSource.serviceUser })
}
