import { chmod, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { FionaError } from '../error/index.ts'
import { socketAddress } from './socket-address.ts'

export interface ControlRequest {
  readonly do: 'status' | 'start' | 'stop' | 'restart'
  /** Without it the whole chain is meant. */
  readonly part?: string
}
export type ControlAnswer = Readonly<Record<string, unknown>>

const words: readonly unknown[] = ['status', 'start', 'stop', 'restart']
const longestRequest = 4096
const mostConnections = 64
/** A client that has nothing to say for so long is sent away. */
const patienceMs = 10_000

/** One request a connection, one answer; both a line of JSON. Only the user it runs as can open it. */
export class ControlServer implements AsyncDisposable {
  readonly path: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** One command at a time: a start that comes during a stop waits for its end. */
  #last: Promise<unknown> = Promise.resolve()

  private constructor(path: string, perform: (request: ControlRequest) => Promise<ControlAnswer>) {
    this.path = path
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
      this.#serve(socket, perform)
    })
    this.#server.maxConnections = mostConnections
  }

  /** The caller holds the lease of the site: a socket that is there is one of a dead chain. */
  static async open(
    path: string,
    perform: (request: ControlRequest) => Promise<ControlAnswer>,
  ): Promise<ControlServer> {
    await rm(path, { force: true })
    const control = new ControlServer(path, perform)
    await using address = await socketAddress(path)
    // Bound at once, before anything else runs: at no moment may others connect.
    const umask = process.umask(0o177)
    try {
      control.#server.listen(address.path)
    } finally {
      process.umask(umask)
    }
    await once(control.#server, 'listening')
    await chmod(path, 0o600)
    return control
  }

  /**
   * Nobody new is heard. Who is connected stays so until this process ends: whoever asked it to stop and
   * hears that end may start the next one at once, for the site's lease is free by then.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    for (const socket of this.#sockets) socket.unref()
  }

  #serve(socket: Socket, perform: (request: ControlRequest) => Promise<ControlAnswer>): void {
    let text = ''
    socket.setEncoding('utf8')
    socket.on('error', () => socket.destroy())
    socket.setTimeout(patienceMs, () => socket.destroy())
    const take = (chunk: string): void => {
      text += chunk
      const end = text.indexOf('\n')
      if (end === -1 && text.length <= longestRequest) return
      socket.off('data', take).resume()
      socket.setTimeout(0)
      void this.#answer(end === -1 ? '' : text.slice(0, end), perform).then((answer) => {
        socket.end(`${JSON.stringify(answer)}\n`)
      })
    }
    socket.on('data', take)
  }

  async #answer(
    line: string,
    perform: (request: ControlRequest) => Promise<ControlAnswer>,
  ): Promise<ControlAnswer> {
    const request = requestOf(line)
    if (request === undefined) return { ok: false, message: 'this is no request' }
    const answer = async (): Promise<ControlAnswer> => {
      try {
        return { ok: true, ...(await perform(request)) }
      } catch (error) {
        const { message } = error as Error
        if (error instanceof FionaError) {
          return { ok: false, code: error.code, message, hint: error.hint, exit: error.exitCode }
        }
        return { ok: false, message }
      }
    }
    // Looking needs no turn: status answers while a part drains.
    if (request.do === 'status') return answer()
    const turn = this.#last.then(answer)
    this.#last = turn
    return turn
  }
}

function requestOf(line: string): ControlRequest | undefined {
  try {
    const value = JSON.parse(line) as { do?: unknown; part?: unknown } | null
    if (typeof value !== 'object' || value === null || !words.includes(value.do)) return undefined
    if (value.part !== undefined && typeof value.part !== 'string') return undefined
    return value as ControlRequest
  } catch {
    return undefined
  }
}
