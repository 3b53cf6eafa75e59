import { type OutElement, encodeDataSet } from './encode-data-set.ts'
import { textElement } from './text-element.ts'

/** Made from a random UUID (PS3.5 B.2): no registered root is needed. */
export const IMPLEMENTATION_CLASS_UID = '2.25.288541347145389710192419225176986131196'
export const IMPLEMENTATION_VERSION_NAME = 'FIONA'

export interface FileMeta {
  readonly MediaStorageSOPClassUID: string
  readonly MediaStorageSOPInstanceUID: string
  readonly TransferSyntaxUID: string
  /** Calling AE title of the association that the object came by. */
  readonly SourceApplicationEntityTitle?: string
  /** Called AE title of that association. */
  readonly ReceivingApplicationEntityTitle?: string
}

/** Preamble, prefix and file meta information (PS3.10 7.1) under our implementation's name. */
export function encodeFileMeta(meta: FileMeta): Buffer {
  const elements: OutElement[] = [
    { tag: 0x00020001, vr: 'OB', value: Buffer.of(0, 1) },
    textElement(0x00020002, 'UI', meta.MediaStorageSOPClassUID),
    textElement(0x00020003, 'UI', meta.MediaStorageSOPInstanceUID),
    textElement(0x00020010, 'UI', meta.TransferSyntaxUID),
    textElement(0x00020012, 'UI', IMPLEMENTATION_CLASS_UID),
    textElement(0x00020013, 'SH', IMPLEMENTATION_VERSION_NAME),
  ]
  const source = meta.SourceApplicationEntityTitle
  const receiver = meta.ReceivingApplicationEntityTitle
  if (source !== undefined) elements.push(textElement(0x00020016, 'AE', source))
  if (receiver !== undefined) elements.push(textElement(0x00020018, 'AE', receiver))
  const group = encode(elements)
  const groupLength = Buffer.alloc(4)
  groupLength.writeUInt32LE(group.length)
  const first = encode([{ tag: 0x00020000, vr: 'UL', value: groupLength }])
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM', 'latin1'), first, group])
}

function encode(elements: readonly OutElement[]): Buffer {
  const parts = encodeDataSet(elements, { littleEndian: true, explicitVR: true })
  return Buffer.concat([...parts].filter((part) => Buffer.isBuffer(part)))
}
