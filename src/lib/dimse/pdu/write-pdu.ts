import {
  type AnsweredContext,
  type ControlPdu,
  PduType,
  type Pdv,
  type ProposedContext,
  pduHeaderBytes,
  pdvHeaderBytes,
} from './pdu.ts'
import { encodeItem, uint16 } from './encode-item.ts'
import { ItemType } from './item-type.ts'
import { encodeUserInformation } from './user-information.ts'

/** The bytes of any PDU but P-DATA-TF, header included. */
export function encodeControlPdu(pdu: ControlPdu): Buffer {
  switch (pdu.type) {
    case PduType.AssociateRequest:
    case PduType.AssociateAccept: {
      const contexts =
        pdu.type === PduType.AssociateRequest
          ? pdu.presentationContexts.map(encodeProposed)
          : pdu.presentationContexts.map(encodeAnswered)
      return encodePdu(
        pdu.type,
        uint16(pdu.protocolVersion),
        Buffer.alloc(2),
        aeTitle(pdu.calledAETitle),
        aeTitle(pdu.callingAETitle),
        Buffer.alloc(32),
        encodeItem(ItemType.applicationContext, Buffer.from(pdu.applicationContext, 'latin1')),
        ...contexts,
        encodeItem(ItemType.userInformation, encodeUserInformation(pdu.userInformation)),
      )
    }
    case PduType.AssociateReject:
      return encodePdu(pdu.type, Buffer.of(0, pdu.result, pdu.source, pdu.reason))
    case PduType.ReleaseRequest:
    case PduType.ReleaseResponse:
      return encodePdu(pdu.type, Buffer.alloc(4))
    case PduType.Abort:
      return encodePdu(pdu.type, Buffer.of(0, 0, pdu.source, pdu.reason))
  }
}

function encodePdu(type: number, ...parts: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(pduHeaderBytes)
  header[0] = type
  header.writeUInt32BE(
    parts.reduce((sum, part) => sum + part.length, 0),
    2,
  )
  return Buffer.concat([header, ...parts])
}

function encodeProposed(context: ProposedContext): Buffer {
  return encodeItem(
    ItemType.proposedContext,
    Buffer.concat([
      Buffer.of(context.id, 0, 0, 0),
      encodeItem(ItemType.abstractSyntax, Buffer.from(context.abstractSyntax, 'latin1')),
      ...context.transferSyntaxes.map((syntax) =>
        encodeItem(ItemType.transferSyntax, Buffer.from(syntax, 'latin1')),
      ),
    ]),
  )
}

/** PS3.8 9.3.3.2: the sub-item is there for a refused context too, and means nothing. */
function encodeAnswered(context: AnsweredContext): Buffer {
  return encodeItem(
    ItemType.answeredContext,
    Buffer.concat([
      Buffer.of(context.id, 0, context.result, 0),
      encodeItem(ItemType.transferSyntax, Buffer.from(context.transferSyntax, 'latin1')),
    ]),
  )
}

function aeTitle(title: string): Buffer {
  return Buffer.from(title.padEnd(16).slice(0, 16), 'latin1')
}

/** Message control header (PS3.8 annex E.2). */
export const MessageControl = { command: 1, last: 2 } as const

/**
 * What stands before the bytes of a P-DATA-TF with a single fragment. The bytes themselves can then
 * go to the socket from where they are.
 */
export function encodeDataHeader(pdv: Omit<Pdv, 'bytes'>, length: number): Buffer {
  const header = Buffer.allocUnsafe(pduHeaderBytes + pdvHeaderBytes)
  header[0] = PduType.DataTransfer
  header[1] = 0
  header.writeUInt32BE(length + pdvHeaderBytes, 2)
  header.writeUInt32BE(length + 2, 6)
  header[10] = pdv.contextId
  header[11] = (pdv.isCommand ? MessageControl.command : 0) | (pdv.isLast ? MessageControl.last : 0)
  return header
}

/** The most bytes of a message that fit into one P-DATA-TF for a peer that announced this maximum. */
export function maxFragmentBytes(maxPduLength: number, ownMaximum: number): number {
  const limit = maxPduLength === 0 ? ownMaximum : Math.min(maxPduLength, ownMaximum)
  // A peer that announces less than a fragment can have gets one byte at a time, not a crash.
  return Math.max(1, limit - pdvHeaderBytes)
}

interface Message {
  readonly contextId: number
  readonly isCommand: boolean
}

/**
 * A whole command or data set as P-DATA-TF PDUs in one buffer, fragments no longer than told:
 * written in one piece, so that no half of it waits for an acknowledgement of the other.
 */
export function encodeDataTransfer(
  message: Message & { readonly bytes: Buffer },
  maxBytes: number,
): Buffer {
  return Buffer.concat([...dataTransferParts(message, message.bytes, maxBytes)])
}

/** The same in parts, of which nothing is copied: headers, and what stands behind each. */
export function* dataTransferParts(
  message: Message,
  bytes: Buffer,
  maxBytes: number,
): Generator<Buffer, void, undefined> {
  yield* partsOf(message, bytes, { isFinal: true, maxBytes })
}

/**
 * A long data set that is made in blocks while it goes out: the parts of each block, to be sent before the
 * next is asked for. No fragment goes over the end of a block: where they shall be of even length, so must
 * the blocks be.
 */
export async function* dataTransferPieces(
  message: Message,
  blocks: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<readonly Buffer[], void, undefined> {
  // Which one is the last is known when no other comes.
  let held: Buffer | undefined
  for await (const block of blocks) {
    if (held !== undefined) yield [...partsOf(message, held, { isFinal: false, maxBytes })]
    held = block
  }
  yield [...partsOf(message, held ?? Buffer.alloc(0), { isFinal: true, maxBytes })]
}

function* partsOf(
  { contextId, isCommand }: Message,
  bytes: Buffer,
  { isFinal, maxBytes }: { readonly isFinal: boolean; readonly maxBytes: number },
): Generator<Buffer, void, undefined> {
  let at = 0
  do {
    const end = Math.min(at + maxBytes, bytes.length)
    const isLast = isFinal && end === bytes.length
    yield encodeDataHeader({ contextId, isCommand, isLast }, end - at)
    yield bytes.subarray(at, end)
    at = end
  } while (at < bytes.length)
}
