import { setImmediate as turn } from 'node:timers/promises'
import { deflateRawSync } from 'node:zlib'
import { type OutElement, TransferSyntax, encodeDataSet, encodingOf } from '../dicom/index.ts'
import { EventType, type FailureReason, type Reference } from './sop-class.ts'

/** What became of a request: each reference is in one of the two. */
export interface Outcome {
  readonly committed: readonly Reference[]
  readonly failed: readonly (Reference & { readonly reason: FailureReason })[]
}

/** A report may be megabytes: others get their turn while it is written. */
const partsInOneTurn = 2000

export function eventTypeOf(outcome: Outcome): number {
  return outcome.failed.length === 0 ? EventType.allCommitted : EventType.failuresExist
}

/** The event information (PS3.4 table J.3-2). */
export async function encodeEventReport(
  TransactionUID: string,
  { committed, failed }: Outcome,
  transferSyntax: string,
): Promise<Buffer> {
  const encoding = encodingOf(transferSyntax)
  const reasonOf = (reason: number): Buffer => {
    const bytes = Buffer.alloc(2)
    if (encoding.littleEndian) bytes.writeUInt16LE(reason)
    else bytes.writeUInt16BE(reason)
    return bytes
  }
  const elements: OutElement[] = [uid(0x00081195, TransactionUID)]
  // Each sequence is there only when it has an item (type 1C).
  if (committed.length > 0) {
    elements.push({ tag: 0x00081199, vr: 'SQ', items: map(committed, namesOf) })
  }
  if (failed.length > 0) {
    const items = map(failed, (one) => [
      ...namesOf(one),
      { tag: 0x00081197, vr: 'US', value: reasonOf(one.reason) },
    ])
    elements.push({ tag: 0x00081198, vr: 'SQ', items })
  }
  // A million little buffers would take ten times what is in them.
  const blocks: Buffer[] = []
  let parts: Buffer[] = []
  for (const part of encodeDataSet(elements, encoding)) {
    if (Buffer.isBuffer(part)) parts.push(part)
    if (parts.length < partsInOneTurn) continue
    blocks.push(Buffer.concat(parts))
    parts = []
    await turn()
  }
  const bytes = Buffer.concat([...blocks, ...parts])
  return transferSyntax === TransferSyntax.DeflatedExplicitVRLittleEndian ? deflated(bytes) : bytes
}

/** Each is made when it is asked for. */
function* map<From, To>(all: Iterable<From>, make: (one: From) => To): Iterable<To> {
  for (const one of all) yield make(one)
}

function namesOf({ SOPClassUID, SOPInstanceUID }: Reference): OutElement[] {
  return [uid(0x00081150, SOPClassUID), uid(0x00081155, SOPInstanceUID)]
}

function uid(tag: number, value: string): OutElement {
  return { tag, vr: 'UI', value: Buffer.from(value, 'latin1') }
}

/** Of even length (PS3.5 A.5). */
function deflated(bytes: Buffer): Buffer {
  const short = deflateRawSync(bytes)
  return short.length % 2 === 0 ? short : Buffer.concat([short, Buffer.alloc(1)])
}
