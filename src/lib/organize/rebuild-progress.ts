import type { RebuildCounts } from './rebuild.ts'

const everyMs = 250

/** One line on a terminal that is written over and over, in numbers only. */
export class RebuildProgress {
  readonly #counts: RebuildCounts
  readonly #terminal: NodeJS.WriteStream
  readonly #timer: NodeJS.Timeout
  readonly #began = performance.now()

  constructor(counts: RebuildCounts, terminal: NodeJS.WriteStream) {
    this.#counts = counts
    this.#terminal = terminal
    this.#timer = setInterval(() => this.#draw('\r'), everyMs)
  }

  /** The last state stays to be read. */
  close(): void {
    clearInterval(this.#timer)
    this.#draw('\n')
  }

  #draw(end: '\r' | '\n'): void {
    const { objects, errors } = this.#counts
    const seconds = (performance.now() - this.#began) / 1000
    const speed = Math.round((objects + errors) / seconds)
    const trouble = errors > 0 ? `, ${String(errors)} errors` : ''
    const line = `${String(objects)} objects, ${String(speed)}/s${trouble}`
    this.#terminal.write(`\r\u001b[K${line.slice(0, (this.#terminal.columns || 80) - 1)}${end}`)
  }
}
