import { pixelTrouble } from './pixel-trouble.ts'

/** More bits behind the end than a code can need: the scan is cut. */
const mostMissingBits = 64

/** The bits of an entropy-coded segment (ISO/IEC 10918-1 F.2.2.5), up to the marker that ends it. */
export class BitReader {
  readonly #bytes: Buffer
  /** The next byte that was not taken. */
  #at: number
  #bits = 0
  #count = 0
  /** Zeros that were made up behind the end. */
  #missing = 0

  constructor(bytes: Buffer, start: number) {
    this.#bytes = bytes
    this.#at = start
  }

  /** The next 16 bits, which stay. */
  peek16(): number {
    if (this.#count < 16) this.#fill()
    return (this.#bits >>> (this.#count - 16)) & 0xffff
  }

  skip(count: number): void {
    this.#count -= count
  }

  /** Up to 16 bits as a number. */
  take(count: number): number {
    if (count === 0) return 0
    if (this.#count < count) this.#fill()
    this.#count -= count
    return (this.#bits >>> this.#count) & ((1 << count) - 1)
  }

  /**
   * Ends an interval: what is left of its last byte is filling.
   * @returns where its marker begins
   * @throws FionaError E_PIXELS when bits were missing, or bytes are left
   */
  end(): number {
    if (this.#count < this.#missing) throw pixelTrouble('a scan of JPEG ends too early')
    if (this.#count - this.#missing >= 8) throw pixelTrouble('a scan of JPEG has too many bits')
    this.#count = this.#missing = 0
    this.#bits = 0
    let at = this.#at
    // Any number of FFs may stand before a marker.
    while (this.#bytes[at] === 0xff && this.#bytes[at + 1] === 0xff) at += 1
    return at
  }

  /** Goes on behind a restart marker. */
  restart(start: number): void {
    this.#at = start
  }

  #fill(): void {
    const bytes = this.#bytes
    while (this.#count <= 24) {
      const byte = bytes[this.#at]
      if (byte === undefined || (byte === 0xff && bytes[this.#at + 1] !== 0)) {
        this.#missing += 8
        if (this.#missing > mostMissingBits) throw pixelTrouble('a scan of JPEG ends too early')
        this.#bits <<= 8
      } else {
        this.#bits = (this.#bits << 8) | byte
        this.#at += byte === 0xff ? 2 : 1
      }
      this.#count += 8
    }
  }
}

/** Writes the same, with a zero stuffed behind each FF. */
export class BitWriter {
  #bytes: Buffer
  #used = 0
  #bits = 0
  #count = 0

  /** @param expected bytes, to begin with */
  constructor(expected: number) {
    this.#bytes = Buffer.allocUnsafe(Math.max(1024, expected))
  }

  /** Up to 16 bits. */
  put(value: number, count: number): void {
    this.#bits = (this.#bits << count) | value
    this.#count += count
    while (this.#count >= 8) {
      this.#count -= 8
      this.#push((this.#bits >>> this.#count) & 0xff)
    }
    this.#bits &= 0xff
  }

  /** Fills the last byte with ones (F.1.2.3), and writes a restart marker behind it where one is given. */
  end(marker?: number): void {
    if (this.#count > 0) this.put(0xff >>> this.#count, 8 - this.#count)
    if (marker !== undefined) {
      this.#reserve()
      this.#bytes[this.#used++] = 0xff
      this.#bytes[this.#used++] = marker
    }
  }

  /** Borrowed: the writer is done. */
  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#used)
  }

  #push(byte: number): void {
    this.#reserve()
    this.#bytes[this.#used++] = byte
    if (byte === 0xff) this.#bytes[this.#used++] = 0
  }

  #reserve(): void {
    if (this.#used + 2 <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(this.#bytes.length * 2)
    this.#bytes.copy(larger, 0, 0, this.#used)
    this.#bytes = larger
  }
}
