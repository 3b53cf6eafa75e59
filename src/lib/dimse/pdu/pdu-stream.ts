import { AbortReason, type ControlPdu, PduType, pduHeaderBytes, pdvHeaderBytes } from './pdu.ts'
import { giveHeldBuffer, takeHeldBuffer } from './held-buffers.ts'
import { pduLimits } from './limits.ts'
import { ProtocolError, invalidValue } from './protocol-error.ts'
import { readControlPdu } from './read-pdu.ts'
import { MessageControl } from './write-pdu.ts'

/** Who is told what comes in. Whatever it throws comes out of `PduStream.push`. */
export interface PduListener {
  /** The header of a PDU: the moment to say that it is not expected now, before its bytes are taken. */
  header(type: number, length: number): void
  control(pdu: ControlPdu): void
  pdvBegin(contextId: number, isCommand: boolean, isLast: boolean): void
  /** Part of a fragment. The bytes are borrowed until `push` returns. */
  pdvBytes(bytes: Buffer): void
  pdvEnd(): void
}

/** Enough for a header; more is kept for as long as a control PDU in pieces needs it. */
const heldAtRest = 64

type At = 'pduHeader' | 'controlBody' | 'pdvHeader' | 'pdvBytes'

/**
 * Bytes as they come from a connection, cut anywhere, to PDUs and fragments. Fragments pass through as
 * slices of what was pushed; only headers and control PDUs that are cut are collected, within limits.
 */
export class PduStream {
  readonly #listener: PduListener
  readonly #maxDataLength: number
  #at: At = 'pduHeader'
  /** A header or control PDU that came in pieces. */
  #held: Buffer
  /** For the headers, and all that is short. */
  readonly #short = Buffer.alloc(heldAtRest)
  #heldBytes = 0
  #type = 0
  #isStopped = false
  /** Of the control PDU, or of the fragment that is passing. */
  #bodyBytes = 0
  /** Of the P-DATA-TF, behind the current fragment. */
  #pduBytes = 0

  /** @param maxDataLength longest P-DATA-TF (without header) that we announced */
  constructor(listener: PduListener, maxDataLength: number) {
    this.#listener = listener
    this.#maxDataLength = maxDataLength
    this.#held = this.#short
  }

  /** Nothing more will be pushed: what it holds is somebody else's. */
  close(): void {
    this.#heldBytes = 0
    this.#letGo()
  }

  /** Between two PDUs: what came so far is whole. */
  get isAtRest(): boolean {
    return this.#at === 'pduHeader' && this.#heldBytes === 0
  }

  /** Called by the listener: `push` returns as soon as the listener does, with the rest unread. */
  stop(): void {
    this.#isStopped = true
  }

  /**
   * @returns how many bytes were consumed: all, unless the listener called `stop`
   * @throws ProtocolError
   */
  push(bytes: Buffer): number {
    this.#isStopped = false
    let at = 0
    while (at < bytes.length && !this.#isStopped) {
      switch (this.#at) {
        case 'pduHeader':
          at += this.#collect(bytes, at, pduHeaderBytes, (header, from) => {
            this.#pduHeader(header, from)
          })
          break
        case 'controlBody':
          at += this.#collect(bytes, at, this.#bodyBytes, (body, from) => {
            this.#at = 'pduHeader'
            const whole = body.subarray(from, from + this.#bodyBytes)
            this.#listener.control(readControlPdu(this.#type, whole))
          })
          break
        case 'pdvHeader':
          at += this.#collect(bytes, at, pdvHeaderBytes, (header, from) => {
            this.#pdvHeader(header, from)
          })
          break
        case 'pdvBytes': {
          const end = Math.min(bytes.length, at + this.#bodyBytes)
          this.#listener.pdvBytes(
            at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end),
          )
          this.#bodyBytes -= end - at
          at = end
          if (this.#bodyBytes === 0) this.#pdvEnd()
        }
      }
    }
    return at
  }

  #pduHeader(header: Buffer, from: number): void {
    const type = header.readUInt8(from)
    const length = header.readUInt32BE(from + 2)
    this.#listener.header(type, length)
    this.#type = type
    if (type === PduType.DataTransfer) {
      if (length > this.#maxDataLength) {
        throw invalidValue(
          `a P-DATA-TF of ${String(length)} bytes where ${String(this.#maxDataLength)} are allowed`,
        )
      }
      if (length < pdvHeaderBytes) throw invalidValue('a P-DATA-TF without a fragment')
      this.#pduBytes = length
      this.#at = 'pdvHeader'
      return
    }
    if (type < 1 || type > 7) {
      throw new ProtocolError(AbortReason.unrecognizedPdu, `a PDU of type ${String(type)}`)
    }
    const isAssociate = type === PduType.AssociateRequest || type === PduType.AssociateAccept
    const isTooLong = isAssociate
      ? length > pduLimits.maxAssociatePduBytes
      : length !== pduLimits.smallPduBytes
    if (isTooLong) throw invalidValue(`a PDU of type ${String(type)} with ${String(length)} bytes`)
    this.#bodyBytes = length
    this.#at = 'controlBody'
    // No byte will come that could complete it.
    if (length === 0) throw invalidValue(`a PDU of type ${String(type)} without contents`)
  }

  #pdvHeader(header: Buffer, from: number): void {
    const length = header.readUInt32BE(from)
    if (length < 2 || length + 4 > this.#pduBytes) {
      throw invalidValue(
        `a fragment of ${String(length)} bytes in a P-DATA-TF with ${String(this.#pduBytes)} left`,
      )
    }
    const control = header.readUInt8(from + 5)
    this.#pduBytes -= length + 4
    this.#bodyBytes = length - 2
    this.#at = 'pdvBytes'
    this.#listener.pdvBegin(
      header.readUInt8(from + 4),
      (control & MessageControl.command) !== 0,
      (control & MessageControl.last) !== 0,
    )
    if (this.#bodyBytes === 0) this.#pdvEnd()
  }

  #pdvEnd(): void {
    if (this.#pduBytes === 0) this.#at = 'pduHeader'
    else if (this.#pduBytes < pdvHeaderBytes) {
      throw invalidValue(`${String(this.#pduBytes)} bytes behind the last fragment of a P-DATA-TF`)
    } else this.#at = 'pdvHeader'
    this.#listener.pdvEnd()
  }

  /**
   * Hands over `length` bytes at once, in place when they are all there, else out of `#held`.
   * @returns how many bytes of the input that took
   */
  #collect(
    bytes: Buffer,
    at: number,
    length: number,
    take: (whole: Buffer, from: number) => void,
  ): number {
    const wanted = length - this.#heldBytes
    if (this.#heldBytes === 0 && bytes.length - at >= length) {
      take(bytes, at)
      return length
    }
    const taken = Math.min(wanted, bytes.length - at)
    if (length > this.#held.length) this.#held = takeHeldBuffer(length)
    bytes.copy(this.#held, this.#heldBytes, at, at + taken)
    this.#heldBytes += taken
    if (this.#heldBytes === length) {
      this.#heldBytes = 0
      try {
        take(this.#held, 0)
      } finally {
        this.#letGo()
      }
    }
    return taken
  }

  #letGo(): void {
    const held = this.#held
    this.#held = this.#short
    giveHeldBuffer(held)
  }
}
