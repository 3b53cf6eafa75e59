import { randomUUID } from 'node:crypto'
import { type Agreement, MessageExchange } from './message-exchange.ts'
import { acceptedContexts } from './negotiation.ts'
import {
  AbortReason,
  AbortSource,
  type AssociateRequest,
  type ControlPdu,
  type PduListener,
  PduStream,
  PduType,
  ProtocolError,
  encodeControlPdu,
  maxFragmentBytes,
  pduLimits,
} from './pdu/index.ts'
import type { AcceptorObserver, AssociationEnd, ServiceProvider } from './service.ts'
import { type State, eventOfPdu, transition } from './state-machine.ts'
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
 * The accepting side of one association. While an operation is under way the peer is not read, so what
 * a slow disk cannot take stays with the sender.
 */
export class Acceptor implements TransportListener, PduListener {
  readonly #transport: Transport
  readonly #provider: ServiceProvider
  readonly #observer: AcceptorObserver
  readonly #settings: AcceptorSettings
  readonly #life: AcceptorLife
  readonly #now: () => number
  readonly #pdus: PduStream
  #state: State = 2
  #deadline: number
  /** There is one once a request for an association was accepted. */
  #messages: MessageExchange | undefined
  /** An answer is being worked on: the peer waits, and no deadline runs. */
  #isBusy = false
  /** How many wait for what came to be dealt with. */
  #holds = 0
  /** The peer does not take what we sent. */
  #isBlocked = false
  /** A message of ours is going out in pieces. */
  #isSending = false
  /** Whoever waits for the peer to take what we sent, or for the end of the connection. */
  #onTaken: (() => void) | undefined
  /** How many things the peer waits for that we owe it. */
  #debts = 0
  #isStopping = false
  #isClosed = false
  #isGone = false
  /** What came in half is being given up. */
  #leaving: Promise<void> | undefined
  #isGivingWay = false
  #announcedBytes = 0
  /** What was read behind the message that is being worked on. */
  #unread: Buffer | undefined

  constructor(
    transport: Transport,
    provider: ServiceProvider,
    observer: AcceptorObserver,
    settings: AcceptorSettings,
    life: AcceptorLife,
  ) {
    this.#transport = transport
    this.#provider = provider
    this.#observer = observer
    this.#settings = settings
    this.#life = life
    this.#now = life.now
    this.#deadline = life.now() + settings.handshakeMs
    this.#pdus = new PduStream(this, settings.maxPduBytes)
  }

  /** A request was accepted, and the association has not ended. */
  get isEstablished(): boolean {
    return this.#messages !== undefined && !this.#isClosed && this.#state !== 13
  }

  /** What the request that is coming in may make us hold. */
  get announcedBytes(): number {
    return this.#state === 2 && !this.#isClosed ? this.#announcedBytes : 0
  }

  onBytes(bytes: Buffer): boolean {
    // AA-6: what comes after our last word is read, lest a reset overtake it, and thrown away.
    if (this.#state === 13) return true
    if (!this.#wantsMore) {
      // TLS may still hand over what it had decrypted.
      this.#keep(bytes)
      return false
    }
    this.#read(bytes)
    return this.#wantsMore
  }

  onDrain(): void {
    this.#isBlocked = false
    this.#touch()
    this.#onTaken?.()
    this.#readOn()
  }

  onClose(): void {
    if (this.#isClosed) return
    if (this.#state !== 13) this.#end('closed')
    this.#isClosed = true
    this.#unread = undefined
    this.#onTaken?.()
    this.#pdus.close()
    void (this.#leaving ?? Promise.resolve()).finally(() => {
      this.#leaving = undefined
      this.#beGone()
    })
  }

  /** Called now and then; the clock is monotonic. */
  checkDeadline(): void {
    if (this.#isBusy || this.#holds > 0 || this.#now() < this.#deadline) return
    if (this.#state === 6 && this.#debts > 0 && !this.#isBlocked) return
    if (this.#state === 6) this.#abort('timeout', 'nothing came for too long')
    else if (this.#state === 2) {
      // AA-2: whoever has not said what it wants gets no answer.
      this.#observer.turnedAway?.(this.#transport.address, 'no association request in time')
      this.#state = 13
      this.#transport.destroy()
    } else this.#transport.destroy()
  }

  /** Finish what is under way, then abort. */
  stop(): void {
    this.#isStopping = true
    if (this.#isClosed || this.#state === 13) return
    if (this.#messages === undefined) this.#transport.destroy()
    else if (!this.#isBusy && this.#messages.reader.isAtRest)
      this.#abort('stopped', 'shutting down')
  }

  /** No patience left. */
  destroy(): void {
    this.#transport.destroy()
  }

  /** Nobody loses anything when it goes: no request so far, or only the end is awaited. */
  get mayGiveWay(): boolean {
    return !this.#isClosed && !this.#isGivingWay && (this.#state === 2 || this.#state === 13)
  }

  /** It goes for the sake of others. The connection ends a little later; it is not asked twice. */
  giveWay(): void {
    this.#isGivingWay = true
    if (this.#state !== 13) this.#end('closed', 'made room for others')
    this.#state = 13
    this.#pdus.stop()
    this.#pdus.close()
    this.#transport.destroy()
  }

  // From the bytes to PDUs

  header(type: number, length: number): void {
    this.#touch()
    const event = eventOfPdu(type)
    const expected = transition(this.#state, event)?.action
    if (expected === 'AA-8' || expected === 'AA-1' || expected === undefined) {
      const reason =
        event === 'pdu invalid' ? AbortReason.unrecognizedPdu : AbortReason.unexpectedPdu
      throw new ProtocolError(
        reason,
        event === 'pdu invalid'
          ? `a PDU of type ${String(type)}, which is not DICOM`
          : `a PDU of type ${String(type)} was not expected now`,
      )
    }
    if (this.#state === 2 && length <= pduLimits.maxAssociatePduBytes) {
      this.#announcedBytes = length
      this.#life.onAnnounced?.(this)
    }
  }

  control(pdu: ControlPdu): void {
    this.#touch()
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
        this.#transport.destroy()
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

  // What we do

  #associate(request: AssociateRequest): void {
    const { address } = this.#transport
    const answer = this.#provider.associate(request, address)
    if (answer.type === PduType.AssociateReject) {
      this.#observer.turnedAway?.(
        address,
        `rejected: source ${String(answer.source)}, reason ${String(answer.reason)}`,
      )
      this.#lastWord(encodeControlPdu(answer))
      return
    }
    const { callingAETitle, calledAETitle } = request
    const association = { id: randomUUID(), address, callingAETitle, calledAETitle }
    this.#messages = this.#exchange({
      association,
      contexts: acceptedContexts(request, answer),
      maxFragmentBytes: maxFragmentBytes(
        request.userInformation.maxPduLength,
        this.#settings.maxPduBytes,
      ),
    })
    this.#state = 6
    this.#touch()
    this.#observer.started?.(association, answer)
    this.#send([encodeControlPdu(answer)])
  }

  #exchange(agreement: Agreement): MessageExchange {
    const isOpen = (): boolean => !this.#isClosed && this.#state === 6
    return new MessageExchange(this.#provider, agreement, {
      get isOpen() {
        return isOpen()
      },
      send: (parts) => {
        this.#send(parts)
      },
      whileBusy: (work) => {
        this.#whileBusy(work)
      },
      sendInPieces: (pieces) => {
        void this.#sendInPieces(pieces)
      },
      hold: (until) => {
        this.#hold(until)
      },
      owe: (until) => {
        this.#owe(until)
      },
    })
  }

  /** Reads nothing until the work is done. */
  #whileBusy(work: () => Promise<void>): void {
    this.#isBusy = true
    this.#pdus.stop()
    work()
      .catch((error: unknown) => {
        this.#fail(error)
      })
      .finally(() => {
        this.#isBusy = false
        this.#touch()
        if (this.#isClosed) this.#beGone()
        else if (this.#isStopping) this.stop()
        this.#readOn()
      })
  }

  /** What was read is still taken: it is no more than one read brings. */
  #hold(until: Promise<void>): void {
    this.#holds += 1
    void until.then(() => {
      this.#holds -= 1
      this.#touch()
      this.#readOn()
    })
  }

  #owe(until: Promise<void>): void {
    this.#debts += 1
    void until.then(() => {
      this.#debts -= 1
      this.#touch()
    })
  }

  #beGone(): void {
    if (this.#isBusy || this.#leaving !== undefined || this.#isGone) return
    this.#isGone = true
    this.#life.onGone(this)
  }

  get #wantsMore(): boolean {
    if (this.#state === 13) return true
    return !this.#isBusy && !this.#isBlocked && !this.#isSending && this.#holds === 0
  }

  #read(bytes: Buffer): void {
    try {
      const consumed = this.#pdus.push(bytes)
      if (consumed < bytes.length && this.#state !== 13) this.#keep(bytes.subarray(consumed))
    } catch (error) {
      if (!(error instanceof ProtocolError)) {
        this.#fail(error)
        return
      }
      // AA-1 in state 2, AA-8 elsewhere. AA-1 names the service user, whose reason would mean nothing
      // (PS3.8 table 9-26): a peer that cannot speak DICOM is better told what was wrong.
      this.#abort('aborted', error.message, error)
    }
  }

  #keep(bytes: Buffer): void {
    this.#unread =
      this.#unread === undefined ? Buffer.from(bytes) : Buffer.concat([this.#unread, bytes])
  }

  #readOn(): void {
    while (this.#unread !== undefined && this.#wantsMore && !this.#isClosed) {
      const bytes = this.#unread
      this.#unread = undefined
      if (this.#state !== 13) this.#read(bytes)
    }
    if (this.#wantsMore && !this.#isClosed) this.#transport.resume()
  }

  #send(parts: readonly Buffer[]): void {
    if (!this.#transport.write(parts)) {
      this.#isBlocked = true
      this.#pdus.stop()
    }
  }

  async #sendInPieces(pieces: AsyncIterable<readonly Buffer[]>): Promise<void> {
    this.#isSending = true
    this.#pdus.stop()
    try {
      for await (const parts of pieces) {
        if (this.#isClosed || this.#state !== 6) return
        this.#send(parts)
        if (this.#isBlocked) await new Promise<void>((resolve) => (this.#onTaken = resolve))
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#isSending = false
      this.#readOn()
    }
  }

  /** Sta13: nothing more is sent, and the peer has until the deadline to close. */
  #lastWord(bytes: Buffer): void {
    this.#state = 13
    this.#pdus.stop()
    this.#deadline = this.#now() + this.#settings.handshakeMs
    this.#transport.write([bytes])
    this.#transport.end()
    this.#transport.resume()
  }

  /** A mistake of ours: this association is over, and the others must not pay for what one peer found. */
  #fail(error: unknown): void {
    this.#observer.failed?.(error)
    this.#abort('aborted', 'an internal error, see the log')
  }

  #abort(end: AssociationEnd, message: string, error?: ProtocolError): void {
    if (this.#isClosed || this.#state === 13) return
    this.#lastWord(
      encodeControlPdu({
        type: PduType.Abort,
        source: error?.source ?? AbortSource.serviceUser,
        reason: error?.reason ?? AbortReason.notSpecified,
      }),
    )
    this.#end(end, message)
  }

  #end(end: AssociationEnd, reason?: string): void {
    if (this.#messages === undefined) {
      this.#observer.turnedAway?.(this.#transport.address, reason ?? end)
    } else this.#observer.ended?.(this.#messages.association, end, reason)
    this.#leaving = this.#messages?.abandon()
  }

  #touch(): void {
    if (this.#state === 6) this.#deadline = this.#now() + this.#settings.idleMs
  }
}
