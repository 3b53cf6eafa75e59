import {
  type AnsweredContext,
  type AssociateAccept,
  type AssociateRequest,
  type ContextResult,
  type ControlPdu,
  PduType,
  type ProposedContext,
  type UserInformation,
} from './pdu.ts'
import { AbortReason } from './pdu.ts'
import { ItemReader } from './item-reader.ts'
import { ItemType } from './item-type.ts'
import { pduLimits } from './limits.ts'
import { ProtocolError, invalidValue } from './protocol-error.ts'
import { readUserInformation } from './user-information.ts'

/**
 * Any PDU but P-DATA-TF (PS3.8 9.3.2 to 9.3.8). Reserved fields are not looked at, unknown items
 * are passed over, as 9.3.1 demands.
 * @param body what follows the six bytes of the header; borrowed
 * @throws ProtocolError
 */
export function readControlPdu(type: number, body: Buffer): ControlPdu {
  const reader = new ItemReader(body)
  switch (type) {
    case PduType.AssociateRequest:
      return readAssociate(reader, PduType.AssociateRequest, ItemType.proposedContext, readProposed)
    case PduType.AssociateAccept:
      return readAssociate(reader, PduType.AssociateAccept, ItemType.answeredContext, readAnswered)
    case PduType.AssociateReject:
      reader.skip(1)
      return { type, result: reader.uint8(), source: reader.uint8(), reason: reader.uint8() }
    case PduType.ReleaseRequest:
    case PduType.ReleaseResponse:
      return { type }
    case PduType.Abort:
      reader.skip(2)
      return { type, source: reader.uint8(), reason: reader.uint8() }
    default:
      throw new ProtocolError(AbortReason.unrecognizedPdu, `a PDU of type ${String(type)}`)
  }
}

function readAssociate(
  reader: ItemReader,
  type: typeof PduType.AssociateRequest,
  contextType: number,
  readContext: (contents: ItemReader) => ProposedContext,
): AssociateRequest
function readAssociate(
  reader: ItemReader,
  type: typeof PduType.AssociateAccept,
  contextType: number,
  readContext: (contents: ItemReader) => AnsweredContext,
): AssociateAccept
function readAssociate(
  reader: ItemReader,
  type: typeof PduType.AssociateRequest | typeof PduType.AssociateAccept,
  contextType: number,
  readContext: (contents: ItemReader) => ProposedContext | AnsweredContext,
): unknown {
  const protocolVersion = reader.uint16()
  reader.skip(2)
  const calledAETitle = reader.text(16)
  const callingAETitle = reader.text(16)
  reader.skip(32)
  let applicationContext = ''
  let userInformation: UserInformation = { maxPduLength: 0, implementationClassUID: '' }
  const contexts = new Map<number, ProposedContext | AnsweredContext>()
  while (reader.remaining > 0) {
    const item = reader.item()
    if (item.type === ItemType.applicationContext) {
      applicationContext = uid(item.contents, 'an application context')
    } else if (item.type === contextType) {
      const context = readContext(item.contents)
      if (contexts.has(context.id)) {
        throw invalidValue(`the presentation context ${String(context.id)} twice`)
      }
      contexts.set(context.id, context)
    } else if (item.type === ItemType.userInformation) {
      userInformation = readUserInformation(item.contents)
    }
  }
  return {
    type,
    protocolVersion,
    calledAETitle,
    callingAETitle,
    applicationContext,
    presentationContexts: [...contexts.values()],
    userInformation,
  }
}

/** PS3.8 9.3.2.2 */
function readProposed(contents: ItemReader): ProposedContext {
  const id = contextId(contents)
  contents.skip(3)
  let abstractSyntax = ''
  const transferSyntaxes: string[] = []
  while (contents.remaining > 0) {
    const item = contents.item()
    if (item.type === ItemType.abstractSyntax) {
      abstractSyntax = uid(item.contents, 'an abstract syntax')
    } else if (item.type === ItemType.transferSyntax) {
      transferSyntaxes.push(uid(item.contents, 'a transfer syntax'))
    }
  }
  return { id, abstractSyntax, transferSyntaxes }
}

/** PS3.8 9.3.3.2 */
function readAnswered(contents: ItemReader): AnsweredContext {
  const id = contextId(contents)
  contents.skip(1)
  const result = contents.uint8()
  contents.skip(1)
  if (result > 4) throw invalidValue(`the result ${String(result)} for a presentation context`)
  let transferSyntax = ''
  while (contents.remaining > 0) {
    const item = contents.item()
    if (item.type === ItemType.transferSyntax) {
      transferSyntax = uid(item.contents, 'a transfer syntax')
    }
  }
  return { id, result: result as ContextResult, transferSyntax }
}

/** Odd, so there are no more than 128 of them. */
function contextId(contents: ItemReader): number {
  const id = contents.uint8()
  if (id % 2 === 0) throw invalidValue(`the presentation context identifier ${String(id)}`)
  return id
}

function uid(contents: ItemReader, what: string): string {
  return contents.shortText(contents.remaining, pduLimits.maxUidBytes, what)
}
