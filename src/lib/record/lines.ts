import { FionaError } from '../error/index.ts'

/** A line longer than this is refused; a study of 100,000 in-place files fits. */
export const maxLineBytes = 16 * 1024 * 1024
const newline = 0x0a
const empty = Buffer.alloc(0)
const usualRestBytes = 64 * 1024

/** A line was left out. Who wants to know whose it was finds here how it began. */
export class LineTooLong extends FionaError {
  /** A little more than the limit: whoever keeps the error for long should not keep this. */
  readonly beginning: Buffer

  constructor(maxBytes: number, beginning: Buffer) {
    super('E_LINE_TOO_LONG', `a line is longer than ${String(maxBytes)} bytes; it was left out`, {
      hint: 'records are one line each; is this NDJSON?',
    })
    this.beginning = beginning
  }
}

/**
 * Bytes to lines. A line longer than the limit is reported once, with its beginning; its rest is thrown away as it
 * comes. With another separator (NUL, as from `find -print0`) a carriage return belongs to the line.
 */
export class LineSplitter {
  /** Of the line that has not ended: what came so far, at the beginning of a buffer that grows. */
  #rest = empty
  #restBytes = 0
  #skipping: boolean
  #pushedBytes = 0
  #maxBytes: number
  #separator: number

  /** How many of all bytes pushed belong to what was given so far, separators included. */
  givenBytes = 0

  /** @param isWithinLongLine what comes first is the rest of a line that was told as too long already */
  constructor(maxBytes: number, separator = newline, isWithinLongLine = false) {
    this.#maxBytes = maxBytes
    this.#separator = separator
    this.#skipping = isWithinLongLine
  }

  /** What was pushed last is the middle of a line that was told as too long. */
  get isWithinLongLine(): boolean {
    return this.#skipping
  }

  /** The lines are slices of `chunk` where possible: valid until the caller's next read. */
  *push(chunk: Buffer): Generator<Buffer | LineTooLong> {
    let start = 0
    const before = this.#pushedBytes
    this.#pushedBytes += chunk.length
    const separator = this.#separator
    for (let end = chunk.indexOf(separator); end !== -1; end = chunk.indexOf(separator, start)) {
      const piece = chunk.subarray(start, end)
      start = end + 1
      this.givenBytes = before + start
      if (this.#skipping) {
        this.#skipping = false
        continue
      }
      const line = this.#join(piece)
      if (line.length > this.#maxBytes) yield this.#tooLong(line)
      else yield this.#withoutReturn(line)
    }
    if (this.#skipping) this.givenBytes = this.#pushedBytes
    else if (start < chunk.length) {
      this.#keep(chunk.subarray(start))
      if (this.#restBytes > this.#maxBytes) {
        this.#skipping = true
        this.givenBytes = this.#pushedBytes
        yield this.#tooLong(this.#join(empty))
      }
    }
  }

  /** The last chunk ended within a line. */
  get isWithinLine(): boolean {
    return this.#restBytes > 0 || this.#skipping
  }

  /** What stood after the last newline. */
  end(): Buffer | undefined {
    if (this.#restBytes === 0) return undefined
    return this.#withoutReturn(this.#join(empty))
  }

  /** Copied: as slices, a line that comes byte by byte would take hundred times its length. */
  #keep(piece: Buffer): void {
    const bytes = this.#restBytes + piece.length
    if (bytes > this.#rest.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(usualRestBytes, 2 * this.#rest.length, bytes))
      this.#rest.copy(larger, 0, 0, this.#restBytes)
      this.#rest = larger
    }
    piece.copy(this.#rest, this.#restBytes)
    this.#restBytes = bytes
  }

  #join(piece: Buffer): Buffer {
    if (this.#restBytes === 0) return piece
    const whole = Buffer.concat([this.#rest.subarray(0, this.#restBytes), piece])
    if (this.#rest.length > usualRestBytes) this.#rest = empty
    this.#restBytes = 0
    return whole
  }

  #withoutReturn(line: Buffer): Buffer {
    const hasReturn = this.#separator === newline && line[line.length - 1] === 0x0d
    return hasReturn ? line.subarray(0, -1) : line
  }

  #tooLong(line: Buffer): LineTooLong {
    return new LineTooLong(this.#maxBytes, line)
  }
}

const head = Buffer.from('{"type":"')
const quote = 0x22
const backslash = 0x5c
const closingBrace = 0x7d
const longestName = 64
const typeNames = new Map<string, string>()

/**
 * The type of a record written the usual way, `type` first, without parsing it: that is what makes
 * passing on foreign records cheap. Undefined means: parse the line to find out. The line lies in `bytes`
 * from `start` to `end`, without its newline.
 */
export function recordTypeOf(bytes: Buffer, start = 0, end = bytes.length): string | undefined {
  // Byte by byte: calls into Buffer's native methods cost more than all the rest of passing a line on.
  if (end - start <= head.length || bytes[end - 1] !== closingBrace) return undefined
  for (let at = 0; at < head.length; at++) if (bytes[start + at] !== head[at]) return undefined
  const nameStart = start + head.length
  let nameEnd = nameStart
  while (bytes[nameEnd] !== quote) {
    if (++nameEnd === end || nameEnd - nameStart > longestName) return undefined
  }
  const name = bytes.toString('latin1', nameStart, nameEnd)
  if (name.includes(String.fromCharCode(backslash))) return undefined
  const known = typeNames.get(name)
  if (known !== undefined) return known
  if (typeNames.size < 1000) typeNames.set(name, name)
  return name
}
