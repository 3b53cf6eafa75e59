import type { Line } from './message-exchange.ts'
import { type PduListener, PduStream, ProtocolError } from './pdu/index.ts'
import type { State } from './state-machine.ts'
import type { Transport, TransportListener } from './transport.ts'

/** Whose connection it is: it hears the PDUs, and knows the state of the association. */
export interface ConnectionOwner extends PduListener {
  readonly state: State
  /** The peer took something, or we are through with what kept it waiting: its time begins anew. */
  touch(): void
  /** Work is over during which nothing was read. More is read as soon as this returns. */
  worked(): void
  /** What came is no DICOM, or not now. */
  refuse(error: ProtocolError): void
  /** A mistake of ours. */
  fail(error: unknown): void
  /** The connection has ended, whoever ended it. */
  closed(): void
}

/**
 * The bytes of one accepted connection. While an operation is under way, or an answer does not go out,
 * the peer is not read, so what a slow disk or a slow peer cannot take stays with the sender.
 */
export class AcceptorConnection implements TransportListener, Line {
  readonly #transport: Transport
  readonly #owner: ConnectionOwner
  readonly #pdus: PduStream
  /** An answer is being worked on: the peer waits, and no deadline runs. */
  #isBusy = false
  /** How many wait for what came to be dealt with. */
  #holds = 0
  /** How many things the peer waits for that we owe it. */
  #debts = 0
  /** The peer does not take what we sent. */
  #isBlocked = false
  /** A message of ours is going out in pieces. */
  #isSending = false
  /** Whoever waits for the peer to take what we sent, or for the end of the connection. */
  #onTaken: (() => void) | undefined
  /** What was read behind the message that is being worked on. */
  #unread: Buffer | undefined
  #isClosed = false

  constructor(transport: Transport, owner: ConnectionOwner, maxPduBytes: number) {
    this.#transport = transport
    this.#owner = owner
    this.#pdus = new PduStream(owner, maxPduBytes)
  }

  get address(): string {
    return this.#transport.address
  }

  get isOpen(): boolean {
    return !this.#isClosed && this.#owner.state === 6
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Work is under way that must end before the connection may be forgotten. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  /** We are the slow ones: that the peer is silent is not its fault. */
  get isHeldUp(): boolean {
    return this.#isBusy || this.#holds > 0
  }

  /** The peer waits for something of ours, and takes what we send. */
  get owesPeer(): boolean {
    return this.#debts > 0 && !this.#isBlocked
  }

  onBytes(bytes: Buffer): boolean {
    // AA-6: what comes after our last word is read, lest a reset overtake it, and thrown away.
    if (this.#owner.state === 13) return true
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
    this.#owner.touch()
    this.#onTaken?.()
    this.#readOn()
  }

  onClose(): void {
    if (this.#isClosed) return
    this.#owner.closed()
    this.#isClosed = true
    this.#unread = undefined
    this.#onTaken?.()
    this.#pdus.close()
  }

  send(parts: readonly Buffer[]): void {
    if (!this.#transport.write(parts)) {
      this.#isBlocked = true
      this.#pdus.stop()
    }
  }

  sendInPieces(pieces: AsyncIterable<readonly Buffer[]>): void {
    void this.#sendInPieces(pieces)
  }

  whileBusy(work: () => Promise<void>): void {
    this.#isBusy = true
    this.#pdus.stop()
    work()
      .catch((error: unknown) => {
        this.#owner.fail(error)
      })
      .finally(() => {
        this.#isBusy = false
        this.#owner.worked()
        this.#readOn()
      })
  }

  /** What was read is still taken: it is no more than one read brings. */
  hold(until: Promise<void>): void {
    this.#holds += 1
    void until.then(() => {
      this.#holds -= 1
      this.#owner.touch()
      this.#readOn()
    })
  }

  owe(until: Promise<void>): void {
    this.#debts += 1
    void until.then(() => {
      this.#debts -= 1
      this.#owner.touch()
    })
  }

  /** Nothing more is sent after it, and what still comes is thrown away: the owner is in state 13. */
  lastWord(bytes: Buffer): void {
    this.#pdus.stop()
    this.#transport.write([bytes])
    this.#transport.end()
    this.#transport.resume()
  }

  /** Over at once; what was read and is not yet understood is nobody's. */
  cutOff(): void {
    this.#pdus.stop()
    this.#pdus.close()
    this.#transport.destroy()
  }

  /** Over at once. The end is told as ever. */
  destroy(): void {
    this.#transport.destroy()
  }

  get #wantsMore(): boolean {
    if (this.#owner.state === 13) return true
    return !this.#isBusy && !this.#isBlocked && !this.#isSending && this.#holds === 0
  }

  #read(bytes: Buffer): void {
    try {
      const consumed = this.#pdus.push(bytes)
      if (consumed < bytes.length && this.#owner.state !== 13) this.#keep(bytes.subarray(consumed))
    } catch (error) {
      if (error instanceof ProtocolError) this.#owner.refuse(error)
      else this.#owner.fail(error)
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
      if (this.#owner.state !== 13) this.#read(bytes)
    }
    if (this.#wantsMore && !this.#isClosed) this.#transport.resume()
  }

  async #sendInPieces(pieces: AsyncIterable<readonly Buffer[]>): Promise<void> {
    this.#isSending = true
    this.#pdus.stop()
    try {
      for await (const parts of pieces) {
        if (!this.isOpen) return
        this.send(parts)
        if (this.#isBlocked) await new Promise<void>((resolve) => (this.#onTaken = resolve))
      }
    } catch (error) {
      this.#owner.fail(error)
    } finally {
      this.#isSending = false
      this.#readOn()
    }
  }
}
