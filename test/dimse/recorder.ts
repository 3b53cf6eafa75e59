import type { ControlPdu, PduListener } from '../../src/lib/dimse/index.ts'

interface Data {
  readonly contextId: number
  readonly isCommand: boolean
  /** Hex: buffers compare badly. */
  readonly bytes: string
}

/** Puts fragments together until one is the last. */
export class Recorder implements PduListener {
  readonly whole: (ControlPdu | Data)[] = []
  atEnd: (() => void) | undefined
  #pdv = { contextId: 0, isCommand: false, isLast: false }
  #parts: Buffer[] = []

  header(): void {
    // Everything is welcome.
  }

  control(pdu: ControlPdu): void {
    this.whole.push(pdu)
    this.atEnd?.()
  }

  pdvBegin(contextId: number, isCommand: boolean, isLast: boolean): void {
    this.#pdv = { contextId, isCommand, isLast }
  }

  pdvBytes(bytes: Buffer): void {
    this.#parts.push(Buffer.from(bytes))
  }

  pdvEnd(): void {
    const { contextId, isCommand, isLast } = this.#pdv
    if (!isLast) return
    this.whole.push({ contextId, isCommand, bytes: Buffer.concat(this.#parts).toString('hex') })
    this.#parts = []
    this.atEnd?.()
  }
}
