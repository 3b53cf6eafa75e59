const everyMs = 250

/**
 * One line on a terminal that is written over and over. For numbers: names of files can be names of patients.
 */
export class LiveLine {
  readonly #terminal: NodeJS.WriteStream
  readonly #text: (isLast: boolean) => string
  readonly #timer: NodeJS.Timeout

  /** @param text asked four times a second, and once more at the end */
  constructor(terminal: NodeJS.WriteStream, text: (isLast: boolean) => string) {
    this.#terminal = terminal
    this.#text = text
    this.#timer = setInterval(() => this.#draw('\r'), everyMs)
  }

  /** The last state stays to be read. */
  close(): void {
    clearInterval(this.#timer)
    this.#draw('\n')
  }

  #draw(end: '\r' | '\n'): void {
    const line = this.#text(end === '\n').slice(0, (this.#terminal.columns || 80) - 1)
    // Erased first, and left at its beginning, where a line of the log may be written over it.
    this.#terminal.write(`\r\u001b[K${line}${end}`)
  }
}
