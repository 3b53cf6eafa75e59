import { setImmediate as turn } from 'node:timers/promises'
import { deflateRawSync } from 'node:zlib'
import {
  type OutElement,
  TransferSyntax,
  encodeDataSet,
  encodingOf,
  textElement,
} from '../dicom/index.ts'
import type { Outcome } from './outcome.ts'
import { EventType, type Reference } from '../transaction/index.ts'

/** A report may be megabytes: others get their turn after each block of it. */
const blockBytes = 64 << 10

export function eventTypeOf(outcome: Outcome): number {
  return outcome.hasFailures ? EventType.failuresExist : EventType.allCommitted
}

/** The event information (PS3.4 table J.3-2), in blocks, each of even length, made as they are asked for. */
export async function* encodeEventReport(
  TransactionUID: string,
  outcome: Outcome,
  transferSyntax: string,
): AsyncGenerator<Buffer, void, undefined> {
  const blocks = eventInformation(TransactionUID, outcome, transferSyntax)
  if (transferSyntax !== TransferSyntax.DeflatedExplicitVRLittleEndian) {
    yield* blocks
    return
  }
  const all: Buffer[] = []
  for await (const block of blocks) all.push(block)
  yield deflated(Buffer.concat(all))
}

async function* eventInformation(
  TransactionUID: string,
  outcome: Outcome,
  transferSyntax: string,
): AsyncGenerator<Buffer, void, undefined> {
  const encoding = encodingOf(transferSyntax)
  const reasonOf = (reason: number): Buffer => {
    const bytes = Buffer.alloc(2)
    if (encoding.littleEndian) bytes.writeUInt16LE(reason)
    else bytes.writeUInt16BE(reason)
    return bytes
  }
  const elements: OutElement[] = [uid(0x00081195, TransactionUID)]
  // Each sequence is there only when it has an item (type 1C).
  if (outcome.hasCommitted) {
    elements.push({ tag: 0x00081199, vr: 'SQ', items: map(outcome.committed(), namesOf) })
  }
  if (outcome.hasFailures) {
    const items = map(outcome.failed(), (one) => [
      ...namesOf(one),
      { tag: 0x00081197, vr: 'US', value: reasonOf(one.reason) },
    ])
    elements.push({ tag: 0x00081198, vr: 'SQ', items })
  }
  let block = Buffer.allocUnsafeSlow(blockBytes)
  let used = 0
  for (const part of encodeDataSet(elements, encoding)) {
    if (!Buffer.isBuffer(part)) continue
    for (let at = 0; at < part.length;) {
      const copied = part.copy(block, used, at)
      at += copied
      used += copied
      if (used < blockBytes) continue
      yield block
      block = Buffer.allocUnsafeSlow(blockBytes)
      used = 0
      await turn()
    }
  }
  if (used > 0) yield block.subarray(0, used)
}

/** Each is made when it is asked for. */
function* map<From, To>(all: Iterable<From>, make: (one: From) => To): Iterable<To> {
  for (const one of all) yield make(one)
}

function namesOf({ SOPClassUID, SOPInstanceUID }: Reference): OutElement[] {
  return [uid(0x00081150, SOPClassUID), uid(0x00081155, SOPInstanceUID)]
}

function uid(tag: number, value: string): OutElement {
  return textElement(tag, 'UI', value)
}

/** Of even length (PS3.5 A.5). */
function deflated(bytes: Buffer): Buffer {
  const short = deflateRawSync(bytes)
  return short.length % 2 === 0 ? short : Buffer.concat([short, Buffer.alloc(1)])
}
