import type { CommandSet } from './command-set.ts'
import type { AcceptedContext } from './negotiation.ts'
import type { AssociateAccept, AssociateReject, AssociateRequest } from './pdu/index.ts'

/** Who is connected; what an operation needs to know of its association. */
export interface AssociationFacts {
  /** Random; follows one association through logs and records. */
  readonly id: string
  readonly address: string
  readonly callingAETitle: string
  readonly calledAETitle: string
}

/** A request of the peer. */
export interface Operation {
  readonly association: AssociationFacts
  readonly context: AcceptedContext
  readonly command: CommandSet
}

/** The response: PS3.7 annex C for the status. */
export interface Answer {
  readonly status: number
  /** Error Comment (0000,0902), cut to 64 characters; must not tell of the patient. */
  readonly comment?: string
  readonly offendingElements?: readonly number[]
}

/** Takes the data set of a request as it comes in. */
export interface DataSetConsumer {
  /** The bytes are borrowed until this returns. Trouble is kept for `finish`: the peer is heard out. */
  write(bytes: Buffer): void
  /** The data set is whole. The peer gets the answer; nothing more is read from it before. */
  finish(): Promise<Answer>
  /** The association ended within the data set. */
  abandon(): Promise<void>
}

/** What an acceptor serves. Its methods do not throw: what goes wrong becomes a status. */
export interface ServiceProvider {
  associate(request: AssociateRequest, address: string): AssociateAccept | AssociateReject
  /** A request with a data set behind it; the peer is not read until the consumer is there. */
  consume(operation: Operation): DataSetConsumer | Promise<DataSetConsumer>
  /** A request without data set. */
  perform(operation: Operation): Answer | Promise<Answer>
}

export type AssociationEnd = 'released' | 'aborted' | 'closed' | 'refused' | 'timeout' | 'stopped'

/** What happens, for logs and counts. */
export interface AcceptorObserver {
  /** A request was accepted. */
  started?(association: AssociationFacts, accept: AssociateAccept): void
  ended?(association: AssociationFacts, end: AssociationEnd, reason: string | undefined): void
  /** A connection that never became an association: rejected, or not DICOM. */
  turnedAway?(address: string, reason: string): void
  /** A mistake of ours, or of the provider: the association is aborted, the others go on. */
  failed?(error: unknown): void
}
