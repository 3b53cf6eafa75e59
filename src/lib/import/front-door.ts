import { once } from 'node:events'
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  openSync,
  readSync,
  type Stats,
} from 'node:fs'
import { Socket } from 'node:net'
import type { Logger } from 'pino'
import { ExitCode, FionaError } from '../error/index.ts'
import { makeNamedPipe } from '../storage/index.ts'
import type { Chunk } from './entries-of-lines.ts'
import type { LineSpool } from './line-spool.ts'

/** As much as Linux lets a pipe hold: what is still taken after the signal. */
const mostLeftBytes = 1 << 20
const chunkBytes = 1 << 16
const newline = 0x0a
/** A writer that says nothing for so long within a line has forgotten its end (`printf`, `echo -n`). */
const pauseMs = 1000
/** With so much on disk and not done, the pipe is left to fill, and its writers wait. */
const mostKeptBytes = 1 << 26
const retryMs = 500

export interface DoorAccess {
  /** Of the pipe: 0o620 lets the owner read, and owner and group write. */
  readonly mode: number
  /** The group that may write; that of the process where it is not told. */
  readonly gid?: number | undefined
}

/**
 * A named pipe that stays open. It is opened for reading and writing at once: so opening waits for no writer, and
 * the end of one writer is not the end of the input. It is read by the event loop and not by `fs` calls, each
 * of which would occupy a thread of libuv's small pool for as long as the pipe is empty.
 *
 * What comes goes into the spool in the same turn, and is taken from there: a reader that is killed has lost
 * nothing but what lay between one read(2) and the write(2) behind it. When there must be no further reading, the
 * socket is closed, for a paused one reads on into memory; a second descriptor keeps what the kernel holds.
 *
 * Lines of up to 4096 bytes (PIPE_BUF) never mix, however many write (pipe(7)).
 *
 * Where a line has no newline, its end is a pause. There is no better sign: reading ends only when the last writer has
 * closed, and we are one; without our own end (and without `fiona up`, which has the pipe open as well) it would show only
 * if nobody else wrote, and if we looked before the next one opened. Who writes within the pause is joined to that line.
 */
export class FrontDoor {
  readonly path: string
  /** It holds what the kernel holds of the pipe. */
  readonly descriptor: number
  readonly #spool: LineSpool
  readonly #log: Logger
  #socket: Socket | undefined
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined
  #pause: NodeJS.Timeout | undefined
  #retry: NodeJS.Timeout | undefined
  /** Read, and not written for want of space. */
  #held: Buffer | undefined

  private constructor(path: string, fd: number, spool: LineSpool, log: Logger) {
    this.path = path
    this.descriptor = fd
    this.#spool = spool
    this.#log = log
    const last = spool.lastByte()
    // Who wrote a line that was too long may be gone as well: the next writer's must not end it.
    if (last === undefined ? spool.isWithinLongLine : last !== newline) this.#expectMore()
    this.#listen()
  }

  /**
   * Makes the pipe or takes over the one that a predecessor left, and gives it its mode and group; closing leaves
   * it there, so that writers wait for the next start instead of making a file in its place.
   * @throws FionaError E_FRONT_DOOR (exit 73, or 77 where permission lacks)
   */
  static async open(
    path: string,
    access: DoorAccess,
    spool: LineSpool,
    log: Logger,
  ): Promise<FrontDoor> {
    let fd
    try {
      await makeNamedPipe(path)
      const { O_RDWR, O_NONBLOCK, O_NOFOLLOW } = constants
      fd = openSync(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW)
      const found = fstatSync(fd)
      if (!found.isFIFO()) throw occupied(path)
      admitWriters(path, fd, found, access)
      return new FrontDoor(path, fd, spool, log)
    } catch (error) {
      if (fd !== undefined) closeSync(fd)
      if (error instanceof FionaError) throw error
      throw cannotOpen(path, error)
    }
  }

  /**
   * What was written into the pipe, until the signal; then, up to a limit, what is still there. The rest stays in
   * the spool for the next start.
   */
  async *chunks(signal: AbortSignal): AsyncGenerator<Chunk, void, undefined> {
    const spool = this.#spool
    const stop = (): void => this.#wake?.()
    signal.addEventListener('abort', stop)
    try {
      while (!signal.aborted) {
        const chunk = spool.next()
        if (chunk !== undefined) {
          yield chunk
          if (this.#socket === undefined && this.#hasRoom()) this.#listen()
        } else if (this.#failure !== undefined) throw this.#failure.error
        else await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      signal.removeEventListener('abort', stop)
    }
    this.#drain()
    const until = spool.readAt + mostLeftBytes
    while (spool.readAt < until) {
      const chunk = spool.next()
      if (chunk === undefined) break
      yield chunk
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#pause)
    clearTimeout(this.#retry)
    if (this.#socket !== undefined) {
      const closed = once(this.#socket, 'close')
      this.#leave()
      await closed
    }
    closeSync(this.descriptor)
  }

  #hasRoom(): boolean {
    return this.#held === undefined && this.#spool.unreadBytes < mostKeptBytes / 2
  }

  #listen(): void {
    // Again through the descriptor: what has the name by now may be something else.
    const { O_RDWR, O_NONBLOCK } = constants
    const fd = openSync(`/proc/self/fd/${String(this.descriptor)}`, O_RDWR | O_NONBLOCK)
    const socket = new Socket({ fd, readable: true, writable: false })
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', (error) => {
      this.#failure = { error }
      this.#wake?.()
    })
    this.#socket = socket
  }

  /** Nothing is read from here on, not even into memory. */
  #leave(): void {
    this.#socket?.destroy()
    this.#socket = undefined
  }

  #take(chunk: Buffer): void {
    try {
      this.#spool.put(chunk)
    } catch (error) {
      this.#leave()
      this.#held = chunk
      this.#log.warn({ err: error }, 'what is written into the front door cannot be kept; it waits')
      this.#retry = setTimeout(() => this.#takeHeld(), retryMs)
      return
    }
    clearTimeout(this.#pause)
    if (chunk.at(-1) !== newline) this.#expectMore()
    if (this.#spool.unreadBytes >= mostKeptBytes) this.#leave()
    this.#wake?.()
  }

  #takeHeld(): void {
    const chunk = this.#held
    this.#held = undefined
    if (chunk === undefined) return
    this.#take(chunk)
    if (this.#held === undefined && this.#hasRoom()) this.#listen()
  }

  /** A line that somebody left open is closed after a pause, so that the next writer's is not glued to it. */
  #expectMore(): void {
    this.#pause = setTimeout(() => {
      // While nobody reads, its rest may be waiting in the pipe.
      if (this.#socket === undefined) this.#expectMore()
      // When we were busy all that time, what was written meanwhile is only read now.
      else setImmediate(() => this.#endLine(this.#spool.end))
    }, pauseMs)
  }

  #endLine(at: number): void {
    setImmediate(() => {
      if (this.#socket !== undefined && this.#spool.end === at) this.#take(Buffer.from('\n'))
    })
  }

  /** What the pipe holds at this moment goes into the spool, too. */
  #drain(): void {
    clearTimeout(this.#pause)
    this.#leave()
    if (this.#held !== undefined) this.#takeHeld()
    for (let bytes = 0; bytes < mostLeftBytes && this.#held === undefined;) {
      const part = readNow(this.descriptor)
      if (part === undefined) break
      this.#take(part)
      bytes += part.length
    }
    this.#leave()
    clearTimeout(this.#pause)
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

/** @throws FionaError E_FRONT_DOOR where the pipe is another user's, who could read what is meant for us */
function admitWriters(path: string, fd: number, found: Stats, { mode, gid }: DoorAccess): void {
  const own = process.geteuid?.() ?? found.uid
  if (found.uid !== own && found.uid !== 0) {
    throw new FionaError('E_FRONT_DOOR', `the named pipe ${path} belongs to another user`, {
      hint: `remove it, or give it to the user this runs as (uid ${String(own)})`,
      exitCode: ExitCode.notAllowed,
    })
  }
  if (found.uid !== own) return
  if (gid !== undefined && gid !== found.gid) fchownSync(fd, -1, gid)
  if ((found.mode & 0o7777) !== mode) fchmodSync(fd, mode)
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
      hint: 'check that its folder exists and belongs to the user this runs as, and that he is in the group it is to have',
      exitCode: isRefused ? ExitCode.notAllowed : ExitCode.cannotCreate,
      cause,
    },
  )
}
