import { randomUUID } from 'node:crypto'
import { AcceptorConnection, type ConnectionOwner } from './acceptor-connection.ts'
import { requireExpected } from './expected-pdu.ts'
import { MessageExchange } from './message-exchange.ts'
import { acceptedContexts } from './negotiation.ts'
import {
  AbortReason,
  AbortSource,
  type AssociateRequest,
  type ControlPdu,
  PduType,
  ProtocolError,
  encodeControlPdu,
  maxFragmentBytes,
  pduLimits,
} from './pdu/index.ts'
import type { AcceptorObserver, AssociationEnd, ServiceProvider } from './service.ts'
import type { State } from './state-machine.ts'
import type { Transport, TransportListener } from './transport.ts'

export interface AcceptorSettings {
  readonly maxPduBytes: number
  /** From the connection to a complete A-ASSOCIATE-RQ, and for the peer to close: the ARTIM timer. */
  readonly handshakeMs: number
  /** An association must begin or complete a PDU this often. */
  readonly idleMs: number
}

/** Of all connections together: whoever owns them. */
export interface AcceptorLife {
  /** The connection and the work for it are over. */
  readonly onGone: (acceptor: Acceptor) => void
  /** A request has begun to come, of `announcedBytes`. */
  readonly onAnnounced?: (acceptor: Acceptor) => void
  /** Monotonic milliseconds. */
  readonly now: () => number
}

/**
 * The accepting side of one association, from its request to its end: the states of PS3.8 9.2 and their
 * deadlines. When it is read and what is sent is its connection's.
 */
export class Acceptor implements ConnectionOwner {
  readonly #connection: AcceptorConnection
  readonly #provider: ServiceProvider
  readonly #observer: AcceptorObserver
  readonly #settings: AcceptorSettings
  readonly #life: AcceptorLife
  readonly #now: () => number
  #state: State = 2
  #deadline: number
  /** There is one once a request for an association was accepted. */
  #messages: MessageExchange | undefined
  #isStopping = false
  #isGone = false
  /** What came in half is being given up. */
  #leaving: Promise<void> | undefined
  #isGivingWay = false
  #announcedBytes = 0

  constructor(
    transport: Transport,
    provider: ServiceProvider,
    observer: AcceptorObserver,
    settings: AcceptorSettings,
    life: AcceptorLife,
  ) {
    this.#provider = provider
    this.#observer = observer
    this.#settings = settings
    this.#life = life
    this.#now = life.now
    this.#deadline = life.now() + settings.handshakeMs
    this.#connection = new AcceptorConnection(transport, this, settings.maxPduBytes)
  }

  /** Takes what the transport brings. */
  get listener(): TransportListener {
    return this.#connection
  }

  /** 2, 6 or 13: there is nobody to ask, so the states in between pass at once. */
  get state(): State {
    return this.#state
  }

  /** A request was accepted, and the association has not ended. */
  get isEstablished(): boolean {
    return this.#messages !== undefined && !this.#connection.isClosed && this.#state !== 13
  }

  /** What the request that is coming in may make us hold. */
  get announcedBytes(): number {
    return this.#state === 2 && !this.#connection.isClosed ? this.#announcedBytes : 0
  }

  /** Called now and then; the clock is monotonic. */
  checkDeadline(): void {
    if (this.#connection.isHeldUp || this.#now() < this.#deadline) return
    if (this.#state === 6 && this.#connection.owesPeer) return
    if (this.#state === 6) this.#abort('timeout', 'nothing came for too long')
    else if (this.#state === 2) {
      // AA-2: whoever has not said what it wants gets no answer.
      this.#observer.turnedAway?.(this.#connection.address, 'no association request in time')
      this.#state = 13
      this.#connection.destroy()
    } else this.#connection.destroy()
  }

  /** Finish what is under way, then abort. */
  stop(): void {
    this.#isStopping = true
    if (this.#connection.isClosed || this.#state === 13) return
    if (this.#messages === undefined) this.#connection.destroy()
    else if (!this.#connection.isBusy && this.#messages.reader.isAtRest)
      this.#abort('stopped', 'shutting down')
  }

  /** No patience left. */
  destroy(): void {
    this.#connection.destroy()
  }

  /** Nobody loses anything when it goes: no request so far, or only the end is awaited. */
  get mayGiveWay(): boolean {
    const isWithoutWork = this.#state === 2 || this.#state === 13
    return !this.#connection.isClosed && !this.#isGivingWay && isWithoutWork
  }

  /** It goes for the sake of others. The connection ends a little later; it is not asked twice. */
  giveWay(): void {
    this.#isGivingWay = true
    if (this.#state !== 13) this.#end('closed', 'made room for others')
    this.#state = 13
    this.#connection.cutOff()
  }

  // What the connection tells

  header(type: number, length: number): void {
    this.touch()
    requireExpected(this.#state, type)
    if (this.#state === 2 && length <= pduLimits.maxAssociatePduBytes) {
      this.#announcedBytes = length
      this.#life.onAnnounced?.(this)
    }
  }

  control(pdu: ControlPdu): void {
    this.touch()
    switch (pdu.type) {
      case PduType.AssociateRequest:
        this.#associate(pdu)
        return
      case PduType.ReleaseRequest:
        if (this.#messages?.reader.isAtRest === false) {
          throw new ProtocolError(AbortReason.unexpectedPdu, 'a release within a message')
        }
        // AR-2 and at once AR-4: there is nobody to ask.
        this.#lastWord(encodeControlPdu({ type: PduType.ReleaseResponse }))
        this.#end('released')
        return
      case PduType.Abort:
        // AA-3, or AA-2 before the association.
        this.#end(
          'aborted',
          `by the peer: source ${String(pdu.source)}, reason ${String(pdu.reason)}`,
        )
        this.#state = 13
        this.#connection.cutOff()
        return
      case PduType.AssociateAccept:
      case PduType.AssociateReject:
      case PduType.ReleaseResponse:
        // `header` refused it; no state of an acceptor lets it through.
        throw new ProtocolError(AbortReason.unexpectedPdu, 'a PDU that answers nothing')
    }
  }

  pdvBegin(contextId: number, isCommand: boolean, isLast: boolean): void {
    this.#messages?.reader.pdvBegin(contextId, isCommand, isLast)
  }

  pdvBytes(bytes: Buffer): void {
    this.#messages?.reader.pdvBytes(bytes)
  }

  pdvEnd(): void {
    this.#messages?.reader.pdvEnd()
  }

  touch(): void {
    if (this.#state === 6) this.#deadline = this.#now() + this.#settings.idleMs
  }

  worked(): void {
    this.touch()
    if (this.#connection.isClosed) this.#beGone()
    else if (this.#isStopping) this.stop()
  }

  refuse(error: ProtocolError): void {
    // AA-1 in state 2, AA-8 elsewhere. AA-1 names the service user, whose reason would mean nothing
    // (PS3.8 table 9-26): a peer that cannot speak DICOM is better told what was wrong.
    this.#abort('aborted', error.message, error)
  }

  /** This association is over, and the others must not pay for what one peer found. */
  fail(error: unknown): void {
    this.#observer.failed?.(error)
    this.#abort('aborted', 'an internal error, see the log')
  }

  closed(): void {
    if (this.#state !== 13) this.#end('closed')
    void (this.#leaving ?? Promise.resolve()).finally(() => {
      this.#leaving = undefined
      this.#beGone()
    })
  }

  // What we do

  #associate(request: AssociateRequest): void {
    const { address } = this.#connection
    const answer = this.#provider.associate(request, address)
    if (answer.type === PduType.AssociateReject) {
      const reason = `rejected: source ${String(answer.source)}, reason ${String(answer.reason)}`
      this.#observer.turnedAway?.(address, reason)
      this.#lastWord(encodeControlPdu(answer))
      return
    }
    const { callingAETitle, calledAETitle } = request
    const association = { id: randomUUID(), address, callingAETitle, calledAETitle }
    const { maxPduLength } = request.userInformation
    const agreement = {
      association,
      contexts: acceptedContexts(request, answer),
      maxFragmentBytes: maxFragmentBytes(maxPduLength, this.#settings.maxPduBytes),
    }
    this.#messages = new MessageExchange(this.#provider, agreement, this.#connection)
    this.#state = 6
    this.touch()
    this.#observer.started?.(association, answer)
    this.#connection.send([encodeControlPdu(answer)])
  }

  #beGone(): void {
    if (this.#connection.isBusy || this.#leaving !== undefined || this.#isGone) return
    this.#isGone = true
    this.#life.onGone(this)
  }

  /** Sta13: nothing more is sent, and the peer has until the deadline to close. */
  #lastWord(bytes: Buffer): void {
    this.#state = 13
    this.#deadline = this.#now() + this.#settings.handshakeMs
    this.#connection.lastWord(bytes)
  }

  #abort(end: AssociationEnd, message: string, error?: ProtocolError): void {
    if (this.#connection.isClosed || this.#state === 13) return
    const source = error?.source ?? AbortSource.serviceUser
    const reason = error?.reason ?? AbortReason.notSpecified
    this.#lastWord(encodeControlPdu({ type: PduType.Abort, source, reason }))
    this.#end(end, message)
  }

  #end(end: AssociationEnd, reason?: string): void {
    if (this.#messages === undefined) {
      this.#observer.turnedAway?.(this.#connection.address, reason ?? end)
    } else this.#observer.ended?.(this.#messages.association, end, reason)
    this.#leaving = this.#messages?.abandon()
  }
}
