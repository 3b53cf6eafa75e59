const newline = 0x0a

/**
 * What goes out together. Lines that pass as they are stay bytes of the chunk they came in, and lines
 * that follow each other there are one piece: passing on costs no copy and no text.
 */
export class PendingOutput {
  #parts: (string | Buffer)[] = []
  #text = ''
  #bytes = 0
  #passing: { readonly chunk: Buffer; readonly start: number; end: number } | undefined

  /** About how much there is; characters of text count as bytes. */
  get size(): number {
    return this.#bytes
  }

  put(text: string): void {
    this.#endPassing()
    this.#text += text
    this.#bytes += text.length
  }

  /** @param line may be a part of `chunk`, which then must stay as it is until it is written */
  pass(line: Buffer, chunk: Buffer): void {
    const start = line.byteOffset - chunk.byteOffset
    const end = start + line.length
    this.#bytes += line.length + 1
    if (line.buffer !== chunk.buffer || chunk[end] !== newline) {
      this.#endPassing()
      this.#endText()
      this.#parts.push(line)
      this.#text = '\n'
      return
    }
    if (this.#passing?.chunk === chunk && this.#passing.end === start) {
      this.#passing.end = end + 1
      return
    }
    this.#endPassing()
    this.#endText()
    this.#passing = { chunk, start, end: end + 1 }
  }

  /** All of it, in order; nothing is pending afterwards. */
  take(): (string | Buffer)[] {
    this.#endPassing()
    this.#endText()
    const parts = this.#parts
    this.#parts = []
    this.#bytes = 0
    return parts
  }

  #endPassing(): void {
    if (this.#passing === undefined) return
    const { chunk, start, end } = this.#passing
    this.#parts.push(chunk.subarray(start, end))
    this.#passing = undefined
  }

  #endText(): void {
    if (this.#text === '') return
    this.#parts.push(this.#text)
    this.#text = ''
  }
}
