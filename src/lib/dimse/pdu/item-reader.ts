import { invalidValue } from './protocol-error.ts'
import { unpaddedText } from './unpadded-text.ts'

/** Reads big-endian fields and nested items out of a PDU and never beyond its end. */
export class ItemReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.#advance(1))
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#advance(2))
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#advance(4))
  }

  skip(length: number): void {
    this.#advance(length)
  }

  /** A copy: what is read here outlives the buffer it arrived in. */
  bytes(length: number): Buffer {
    const at = this.#advance(length)
    return Buffer.from(this.#bytes.subarray(at, at + length))
  }

  /** Latin-1 without its padding. */
  text(length: number): string {
    const at = this.#advance(length)
    return unpaddedText(this.#bytes, at, at + length)
  }

  /** @param max longest length accepted */
  shortText(length: number, max: number, what: string): string {
    if (length > max) throw invalidValue(`${what} of ${String(length)} bytes`)
    return this.text(length)
  }

  /** Type, reserved byte, length, contents: the form of every item and sub-item (PS3.8 9.3.2). */
  item(): { readonly type: number; readonly contents: ItemReader } {
    const type = this.uint8()
    this.skip(1)
    const length = this.uint16()
    const at = this.#advance(length)
    return { type, contents: new ItemReader(this.#bytes.subarray(at, at + length)) }
  }

  #advance(length: number): number {
    const at = this.#at
    if (length > this.#bytes.length - at) {
      throw invalidValue(
        `a field of ${String(length)} bytes where ${String(this.remaining)} are left`,
      )
    }
    this.#at = at + length
    return at
  }
}
