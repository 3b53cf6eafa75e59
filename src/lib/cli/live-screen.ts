import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { renderLine, type ScreenLine } from './screen-line.ts'

export interface ScreenSize {
  readonly rows: number
  readonly columns: number
}

const everyMs = 500
/** However fast somebody draws at the edge of the window. */
const leastMs = 100
/** A terminal that takes nothing (Ctrl-S) does not keep a program from ending for longer. */
const lastFrameMs = 1000

const hide = '\u001b[?25l\u001b[?7l'
/** Lines wrap, and the cursor is there: what every frame ends with. */
const usual = '\u001b[?7h\u001b[?25h'

/**
 * A screen that is written over in place. Between two frames the terminal is as usual, with the cursor below the
 * last line: whatever ends this process, even SIGKILL, there is nothing to restore, and what is written then
 * stands below. Each frame is one write that does not wait: a terminal that is stopped stops nobody else.
 */
export class LiveScreen {
  readonly #terminal: NodeJS.WriteStream
  readonly #fd: number
  readonly #hasColours: boolean
  #view: (size: ScreenSize) => readonly ScreenLine[] = () => []
  #timer: NodeJS.Timeout | undefined
  readonly #resized = (): void => {
    if (performance.now() - this.#drawnAt > leastMs) this.#draw()
  }
  #drawnAt = Number.NEGATIVE_INFINITY
  /** Of a frame that the terminal has taken in part. */
  #rest: Buffer = Buffer.alloc(0)

  private constructor(terminal: NodeJS.WriteStream, fd: number) {
    this.#terminal = terminal
    this.#fd = fd
    this.#hasColours = (process.env['NO_COLOR'] ?? '') === ''
  }

  /** @returns undefined where lines one below the other are better: no terminal, a dumb or a small one, or not ours */
  static open(
    terminal: NodeJS.WriteStream & { readonly fd: number },
    least: ScreenSize,
  ): LiveScreen | undefined {
    const { isTTY, rows, columns } = terminal
    const term = process.env['TERM'] ?? ''
    if (!isTTY || term === '' || term === 'dumb' || isInBackground()) return undefined
    if (!(rows >= least.rows && columns >= least.columns)) return undefined
    try {
      // Opened anew, for O_NONBLOCK belongs to what was opened, which others have, too: the shell we came from.
      const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY
      return new LiveScreen(terminal, openSync(`/proc/self/fd/${String(terminal.fd)}`, flags))
    } catch {
      // That of another user, after su(1).
      return undefined
    }
  }

  /** @param view asked for each frame: lines for so many rows, of which one less than the terminal has */
  show(view: (size: ScreenSize) => readonly ScreenLine[]): void {
    this.#view = view
    // What stood there goes where a terminal keeps what has scrolled away.
    this.#write(Buffer.from('\n'.repeat(this.#terminal.rows)))
    this.#draw()
    this.#timer = setInterval(() => {
      this.#draw()
    }, everyMs)
    this.#terminal.on('resize', this.#resized)
  }

  /** The last state stays to be read. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#terminal.off('resize', this.#resized)
    const until = performance.now() + lastFrameMs
    await this.#drain(until)
    this.#draw()
    await this.#drain(until)
    closeSync(this.#fd)
  }

  /** Until the terminal has taken what was written, or that is not waited for any longer. */
  async #drain(until: number): Promise<void> {
    this.#flush()
    while (this.#rest.length > 0 && performance.now() < until) {
      await delay(10)
      this.#flush()
    }
  }

  #draw(): void {
    this.#flush()
    // In the background the terminal is somebody else's; and a frame that it has not taken yet is enough.
    if (this.#rest.length > 0 || isInBackground()) return
    const { rows, columns } = this.#terminal
    const lines = this.#view({ rows: rows - 1, columns })
      .slice(0, rows - 1)
      .map((line) => `${renderLine(line, columns, this.#hasColours)}\u001b[K\r\n`)
    this.#drawnAt = performance.now()
    // Home, each line and the rest of its row, and what a longer frame left below.
    this.#write(Buffer.from(`${hide}\u001b[H${lines.join('')}\u001b[J${usual}`))
  }

  #write(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes])
    this.#flush()
  }

  #flush(): void {
    try {
      while (this.#rest.length > 0)
        this.#rest = this.#rest.subarray(writeSync(this.#fd, this.#rest))
    } catch (error) {
      // A terminal that is gone has seen enough.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') this.#rest = Buffer.alloc(0)
    }
  }
}

/** Whether the shell has given the terminal to another job (`&`, Ctrl-Z and `bg`). */
function isInBackground(): boolean {
  try {
    // proc_pid_stat(5): behind the name in parentheses 3 state, 5 pgrp, 8 tpgid.
    const stat = readFileSync('/proc/self/stat', 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [group, foreground] = [Number(fields[2]), Number(fields[5])]
    return foreground > 0 && foreground !== group
  } catch {
    return false
  }
}
