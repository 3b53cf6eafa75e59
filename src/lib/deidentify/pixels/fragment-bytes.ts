import type { DicomFile } from '../../dicom/index.ts'

interface Range {
  readonly offset: number
  readonly length: number
}

const windowBytes = 64 << 10
/** One for all: only one stream is read at a time, from its beginning to its end. */
const window = Buffer.allocUnsafeSlow(windowBytes)

/**
 * Fragments as one stream of bytes, of which a window is in memory. Frames may be cut into fragments
 * anywhere (PS3.5 A.4), and be of any size.
 */
export class FragmentBytes {
  readonly length: number
  readonly #file: DicomFile
  readonly #fragments: readonly Range[]
  /** Where each fragment begins in the stream, and the end. */
  readonly #starts: readonly number[]
  #start = 0
  #end = 0

  constructor(file: DicomFile, fragments: readonly Range[]) {
    this.#file = file
    this.#fragments = fragments
    const starts = [0]
    for (const { length } of fragments) starts.push((starts.at(-1) ?? 0) + length)
    this.#starts = starts
    this.length = starts.at(-1) ?? 0
  }

  /** The byte at a position, or -1 behind the end. */
  byte(at: number): number {
    if (at < this.#start || at >= this.#end) this.#load(at)
    return at < this.#end ? (window[at - this.#start] ?? -1) : -1
  }

  /** Big endian, as all of JPEG is; NaN when it is not all there. */
  uint16(at: number): number {
    return at + 2 > this.length ? Number.NaN : this.byte(at) * 0x100 + this.byte(at + 1)
  }

  uint32(at: number): number {
    return this.uint16(at) * 0x10000 + this.uint16(at + 2)
  }

  /** Where the next such byte is, or the length of the stream. */
  indexOf(byte: number, from: number): number {
    for (let at = from; at < this.length; at = this.#end) {
      if (at < this.#start || at >= this.#end) this.#load(at)
      const found = window.subarray(0, this.#end - this.#start).indexOf(byte, at - this.#start)
      if (found >= 0) return this.#start + found
    }
    return this.length
  }

  /** A copy of up to so many bytes. */
  slice(at: number, length: number): Buffer {
    const bytes = Buffer.alloc(Math.max(0, Math.min(length, this.length - at)))
    this.#read(bytes, at)
    return bytes
  }

  /** The end of the fragment that holds the byte before `at`. */
  fragmentEnd(at: number): number {
    return this.#starts[this.#indexOf(at - 1) + 1] ?? this.length
  }

  isFragmentStart(at: number): boolean {
    return at < this.length && this.#starts[this.#indexOf(at)] === at
  }

  #load(at: number): void {
    this.#start = at
    this.#end = Math.max(at, Math.min(at + windowBytes, this.length))
    this.#read(window.subarray(0, this.#end - at), at)
  }

  #read(target: Buffer, from: number): void {
    for (let done = 0, index = this.#indexOf(from); done < target.length; index++) {
      const start = this.#starts[index] ?? 0
      const fragment = this.#fragments[index]
      if (fragment === undefined) return
      const skip = from + done - start
      const size = Math.min(fragment.length - skip, target.length - done)
      this.#file.rangeInto(target.subarray(done, done + size), fragment.offset + skip)
      done += size
    }
  }

  /** The fragment that holds a byte; empty ones hold none. */
  #indexOf(at: number): number {
    let low = 0
    let high = this.#fragments.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#starts[middle + 1] ?? Number.POSITIVE_INFINITY) <= at) low = middle + 1
      else high = middle
    }
    return low
  }
}
