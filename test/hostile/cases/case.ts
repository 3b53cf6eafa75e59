/**
 * What a peer may do to a receiver, as data: bytes on a connection, and what must come back. Each case is
 * one connection; the client ends its side behind the bytes, so a receiver that waits for more hears that
 * none comes.
 */
import {
  type StoreFields,
  associateRq,
  fragments,
  pData,
  pdv,
  releaseRq,
  storeCommand,
} from '../../fixtures/odd-client.ts'
import { ctElements, dataSetBytes } from '../../fixtures/dicom-writer.ts'

/**
 * `nothing`: the connection just ends. `abort`, `reject`: A-ABORT, A-ASSOCIATE-RJ is the last word. `served`:
 * accepted and then released or closed by us. A number: the status of the last C-STORE or C-ECHO response.
 * `any`: all of these, as long as nothing breaks and nothing wrong is stored.
 */
export type Expectation = 'nothing' | 'abort' | 'reject' | 'served' | 'any' | number

export interface Case {
  readonly name: string
  /** Sent in this order, each part given to the kernel by itself. */
  readonly writes: readonly Buffer[]
  readonly expect: Expectation
}

type Part = Buffer | readonly Buffer[]
const flat = (parts: readonly Part[]): Buffer[] => parts.flatMap((part) => part as Buffer[])
export const be32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
export const be16 = (value: number): Buffer => be32(value).subarray(2)
export const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

/** On a new connection. */
export const plain = (name: string, expect: Expectation, ...parts: Part[]): Case => ({
  name,
  expect,
  writes: flat(parts),
})
/** Behind a request that is accepted. */
export const inside = (name: string, expect: Expectation, ...parts: Part[]): Case =>
  plain(name, expect, associateRq(), ...parts)
/** A request, and a release if it should be accepted. */
export const request = (name: string, expect: Expectation, rq: Buffer): Case =>
  plain(name, expect, rq, ...(expect === 'served' || expect === 'any' ? [releaseRq] : []))

export const noBytes = Buffer.alloc(0)

/** A small CT image. */
export const objectOf = (number: number): StoreFields & { readonly dataSet: Buffer } => ({
  SOPInstanceUID: `2.25.77${String(number)}`,
  dataSet: dataSetBytes(ctElements({ sopUID: `2.25.77${String(number)}`, studyUID: '2.25.55' })),
})
/** The usual object, and its request. */
export const object = objectOf(1)
export const store = storeCommand(object)
/** A command set in one P-DATA-TF. */
export const command = (bytes: Buffer, contextId = 1): Buffer =>
  pData(pdv(contextId, { command: true, last: true }, bytes))
/** A data set in context 1. */
export const data = (bytes: Buffer): Buffer[] =>
  fragments(1, false, bytes, 16000).map((one) => pData(one))
