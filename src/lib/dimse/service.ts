import type { CommandSet } from './command-set.ts'
import type { AcceptedContext } from './negotiation.ts'
import type { Notice } from './notices.ts'
import type { AssociateAccept, AssociateReject, AssociateRequest } from './pdu/index.ts'

/** Who is connected; what an operation needs to know of its association. */
export interface AssociationFacts {
  /** Random; follows one association through logs and records. */
  readonly id: string
  readonly address: string
  readonly callingAETitle: string
  readonly calledAETitle: string
}

/** The association as a way back to the peer that opened it. */
export interface WayBack {
  /** The association has not ended. */
  readonly isOpen: boolean
  /**
   * Sends a request of ours once the peer has been quiet for a moment, and waits for its response.
   * @param signal ends the waiting; rejects with its reason
   * @throws FionaError E_ASSOCIATION_ABORTED when the association ends before the response
   */
  notify(notice: Notice, signal: AbortSignal): Promise<CommandSet>
  /** We work at what the peer asked for: until then it is not idle, although nothing comes. It does not reject. */
  owe(until: Promise<void>): void
}

/** A request of the peer. */
export interface Operation {
  readonly association: AssociationFacts
  /** Good for as long as the association lasts, which may be longer than the operation. */
  readonly wayBack: WayBack
  readonly context: AcceptedContext
  readonly command: CommandSet
}

/** The response: PS3.7 annex C for the status, and for which of the others go with it. */
export interface Answer {
  readonly status: number
  /** Error Comment (0000,0902), cut to 64 characters; must not tell of the patient. */
  readonly comment?: string
  /** Offending Element (0000,0901), of C-services. */
  readonly offendingElements?: readonly number[]
  /** Error ID (0000,0903): tells apart failures of one status (PS3.7 annex C). */
  readonly errorID?: number
  /** Attribute Identifier List (0000,1005), of N-services: the attributes that the status is about. */
  readonly attributeIdentifiers?: readonly number[]
  /** The SOP instance, where the request left it to us to name it (N-CREATE, PS3.7 10.1.5.1.4). */
  readonly SOPInstanceUID?: string
  /**
   * The attribute list, action reply or event reply, encoded in the transfer syntax of the operation's
   * context (PS3.7 10.1).
   */
  readonly dataSet?: Buffer
}

/** Takes the data set of a request as it comes in. */
export interface DataSetConsumer {
  /**
   * The bytes are borrowed until this returns. Trouble is kept for `finish`: the peer is heard out.
   * @returns where more should not come at once, what to wait for; a little may come all the same. It does
   *   not reject
   */
  write(bytes: Buffer): Promise<void> | undefined
  /** The data set is whole. The peer gets the answer; nothing more is read from it before. */
  finish(): Promise<Answer>
  /** The association ended within the data set. */
  abandon(): Promise<void>
}

/** One service beside others: whatever comes in the contexts of its SOP class. */
export interface ClassProvider {
  readonly SOPClassUID: string
  /** Whoever opens the association may be the SCP of the class, and report its events to us. */
  readonly hearsEvents?: boolean
  consume(operation: Operation): DataSetConsumer | Promise<DataSetConsumer>
  perform(operation: Operation): Answer | Promise<Answer>
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
