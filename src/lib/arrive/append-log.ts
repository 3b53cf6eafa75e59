import { randomUUID } from 'node:crypto'
import { fdatasync } from 'node:fs'
import { open, rename, stat, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { ExitCode, FionaError } from '../error/index.ts'
import { faultPoint } from '../fault/index.ts'
import { syncDirectory, writeAll } from '../storage/index.ts'

const fdatasyncAsync = promisify(fdatasync)
const newline = 0x0a
/** Lines are written together: a write(2) each would cost more than all the rest. */
const bufferedChars = 1 << 16

export interface LogContent {
  /** One JSON value a line, up to the first line that is none. */
  readonly lines: AsyncIterable<unknown>
  /** After reading: bytes from the first broken line on. Nobody was promised them: they were never synced. */
  readonly brokenBytes: () => number
}

/**
 * An append-only NDJSON file. Whoever opens it replaces it by a copy of what matters (`replace`):
 * that keeps it short, and takes it away from a process that still writes to the old one, such as the
 * orphan of a killed stage.
 */
export class AppendLog {
  readonly path: string
  #handle: FileHandle | undefined
  #inode = 0n
  #pending = ''
  #bytes = 0
  #needsSync = false

  constructor(path: string) {
    this.path = path
  }

  get bytes(): number {
    return this.#bytes
  }

  append(value: unknown): void {
    this.#pending += `${JSON.stringify(value)}\n`
    this.#needsSync = true
    if (this.#pending.length > bufferedChars) this.#write()
  }

  /**
   * All that was appended is on stable storage when this resolves.
   * @throws FionaError E_STATE_TAKEN when another process has opened the log since
   */
  async sync(): Promise<void> {
    if (!this.#needsSync || this.#handle === undefined) return
    this.#write()
    await fdatasyncAsync(this.#handle.fd)
    faultPoint('arrive.synced')
    await this.#assertOurs()
    this.#needsSync = false
  }

  /** A new log with these values in place of the old one: either the one or the other, whatever happens. */
  async replace(values: Iterable<unknown>): Promise<void> {
    const temporary = `${this.path}.${randomUUID()}.new`
    const handle = await open(temporary, 'w', 0o640)
    let text = ''
    for (const value of values) {
      text += `${JSON.stringify(value)}\n`
      if (text.length < bufferedChars) continue
      writeAll(handle.fd, Buffer.from(text))
      text = ''
    }
    writeAll(handle.fd, Buffer.from(text))
    await handle.sync()
    faultPoint('arrive.log-made')
    const { ino, size } = await handle.stat({ bigint: true })
    if (this.#handle !== undefined) await this.#assertOurs()
    await rename(temporary, this.path)
    faultPoint('arrive.log-replaced')
    await syncDirectory(dirname(this.path))
    await this.#handle?.close()
    this.#handle = handle
    this.#inode = ino
    this.#bytes = Number(size)
    // Whatever was pending is part of what the values were made from.
    this.#pending = ''
    this.#needsSync = false
  }

  async close(): Promise<void> {
    await this.#handle?.close()
    this.#handle = undefined
  }

  #write(): void {
    if (this.#handle === undefined || this.#pending === '') return
    const data = Buffer.from(this.#pending)
    this.#pending = ''
    writeAll(this.#handle.fd, data)
    this.#bytes += data.length
    faultPoint('arrive.written')
  }

  async #assertOurs(): Promise<void> {
    const now = await stat(this.path, { bigint: true }).catch(() => undefined)
    if (now?.ino === this.#inode) return
    throw new FionaError('E_STATE_TAKEN', `another process has taken over ${this.path}`, {
      hint: 'only one may use a state directory; the newer one goes on',
      exitCode: ExitCode.tryAgain,
      retryable: true,
    })
  }
}

/**
 * What a log holds; nothing when there is none yet.
 * @param isWanted which lines are to be parsed, by their bytes: all unless told. One that is not wanted must look whole
 */
export async function readLog(
  path: string,
  isWanted: (line: Buffer) => boolean = () => true,
): Promise<LogContent> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  })
  let broken = 0
  async function* lines(): AsyncGenerator<unknown> {
    if (handle === undefined) return
    let rest: Buffer[] = []
    for await (const chunk of handle.createReadStream({ highWaterMark: 1 << 16 })) {
      let piece = chunk as Buffer
      for (let end = piece.indexOf(newline); end !== -1; end = piece.indexOf(newline)) {
        const own = piece.subarray(0, end + 1)
        const line = rest.length === 0 ? own : Buffer.concat([...rest, own])
        rest = []
        piece = piece.subarray(end + 1)
        if (broken === 0 && looksWhole(line) && !isWanted(line)) continue
        const value = broken > 0 ? undefined : parse(line)
        if (value === undefined) broken += line.length
        else yield value
      }
      if (piece.length > 0) rest.push(piece)
    }
    broken += Buffer.concat(rest).length
  }
  return { lines: lines(), brokenBytes: () => broken }
}

/** What a power loss leaves of a block that was never written are zeros. */
function looksWhole(line: Buffer): boolean {
  return line[0] === 0x7b && line[line.length - 2] === 0x7d
}

function parse(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString()) as unknown
  } catch {
    return undefined
  }
}
