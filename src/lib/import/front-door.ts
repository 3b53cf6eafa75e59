import { once } from 'node:events'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { ExitCode, FionaError } from '../error/index.ts'
import { makeNamedPipe } from '../storage/index.ts'
import type { Chunk } from './entries-of-lines.ts'

/** As much as Linux lets a pipe hold: what writers were told is taken, though nobody has read it. */
const mostLeftBytes = 1 << 20
const chunkBytes = 1 << 16
const newline = 0x0a
/** A writer that says nothing for so long within a line has forgotten its end (`printf`, `echo -n`). */
const pauseMs = 1000

/**
 * A named pipe that stays open. It is opened for reading and writing at once: so opening waits for no
 * writer, the end of one writer is not the end of the input, and what is written while nobody looks is kept
 * by the kernel. It is read by the event loop and not by `fs` calls, each of which would occupy a thread of
 * libuv's small pool for as long as the pipe is empty.
 *
 * Lines of up to 4096 bytes (PIPE_BUF) never mix, however many write (pipe(7)).
 */
export class FrontDoor {
  readonly path: string
  readonly #fd: number
  readonly #socket: Socket

  private constructor(path: string, fd: number) {
    this.path = path
    this.#fd = fd
    this.#socket = new Socket({ fd, readable: true, writable: false })
    // Errors of reading come up in `chunks`; this one only keeps them from being nobody's.
    this.#socket.on('error', () => undefined)
  }

  /**
   * Makes the pipe for owner and group (0660) or takes over the one that a predecessor left; closing leaves it
   * there, so that writers wait for the next start instead of making a file in its place.
   * @throws FionaError E_FRONT_DOOR (exit 73, or 77 where permission lacks)
   */
  static async open(path: string): Promise<FrontDoor> {
    try {
      await makeNamedPipe(path)
      const { O_RDWR, O_NONBLOCK, O_NOFOLLOW } = constants
      const fd = openSync(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW)
      if (fstatSync(fd).isFIFO()) return new FrontDoor(path, fd)
      closeSync(fd)
    } catch (error) {
      throw cannotOpen(path, error)
    }
    throw occupied(path)
  }

  /**
   * What is written into the pipe, until the signal; then what is still in it. A line that somebody left open is
   * closed after a pause, so that the next writer's is not glued to it.
   */
  async *chunks(signal: AbortSignal): AsyncGenerator<Chunk, void, undefined> {
    let isWithinLine = false
    for (;;) {
      const chunk = this.#socket.read() as Buffer | null
      if (chunk !== null) {
        isWithinLine = chunk.at(-1) !== newline
        yield chunk
        continue
      }
      if (this.#socket.errored !== null) throw this.#socket.errored
      if (signal.aborted) break
      const isPaused = await this.#wait(signal, isWithinLine ? pauseMs : undefined)
      if (!isPaused) continue
      isWithinLine = false
      yield 'pause'
    }
    yield* this.#rest()
  }

  /** Until there is something to read, the signal, or that time: true for the last. */
  async #wait(signal: AbortSignal, longestMs: number | undefined): Promise<boolean> {
    const over = new AbortController()
    const stop = (): void => over.abort()
    const timer = longestMs === undefined ? undefined : setTimeout(stop, longestMs)
    signal.addEventListener('abort', stop, { once: true })
    try {
      await once(this.#socket, 'readable', { signal: over.signal })
      return false
    } catch (error) {
      if (!over.signal.aborted) throw error
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
    }
    if (signal.aborted) return false
    // When we were busy all that time, what was written meanwhile is only read now.
    await turn()
    return this.#socket.readableLength === 0
  }

  close(): void {
    this.#socket.destroy()
  }

  /** In one turn of the event loop: nothing is read behind our back, and the order stays. */
  *#rest(): Generator<Buffer, void, undefined> {
    const parts: Buffer[] = []
    for (let bytes = 0; bytes < mostLeftBytes;) {
      const part = (this.#socket.read() as Buffer | null) ?? readNow(this.#fd)
      if (part === undefined) break
      parts.push(part)
      bytes += part.length
    }
    yield* parts
  }
}

/** What the pipe holds at this moment; undefined when it is empty. */
function readNow(fd: number): Buffer | undefined {
  const buffer = Buffer.allocUnsafe(chunkBytes)
  try {
    const bytes = readSync(fd, buffer)
    return bytes === 0 ? undefined : buffer.subarray(0, bytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined
    throw error
  }
}

function occupied(path: string): FionaError {
  return new FionaError('E_FRONT_DOOR', `${path} is there already and is no named pipe`, {
    hint: 'look at it, and remove it when it is not needed, or give another path',
    exitCode: ExitCode.cannotCreate,
  })
}

function cannotOpen(path: string, cause: unknown): FionaError {
  const { code, message } = cause as NodeJS.ErrnoException
  // O_NOFOLLOW: a link in its place could lead the lines of others to us, or ours to others.
  if (code === 'ELOOP' || code === 'EISDIR' || code === 'ENXIO') return occupied(path)
  const isRefused = code === 'EACCES' || code === 'EPERM'
  return new FionaError(
    'E_FRONT_DOOR',
    `the named pipe ${path} cannot be opened: ${message.trim()}`,
    {
      hint: 'check that its folder exists and belongs to the user this runs as',
      exitCode: isRefused ? ExitCode.notAllowed : ExitCode.cannotCreate,
      cause,
    },
  )
}
