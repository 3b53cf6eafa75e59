import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net'
import type { TlsOptions } from 'node:tls'
import { ExitCode, FionaError } from '../error/index.ts'
import { Acceptor, type AcceptorSettings } from './acceptor.ts'
import type { AcceptorObserver, ServiceProvider } from './service.ts'
import { addressOf, plainTransport, streamTransport } from './transport.ts'

export interface DicomServerOptions extends AcceptorSettings {
  /** 0 takes a free one. */
  readonly port: number
  readonly host?: string
  /** A socket that listens on that port already: it is taken over. */
  readonly descriptor?: number | undefined
  /** Certificates and the like; absent: plain TCP. */
  readonly tls?: TlsOptions | undefined
  /** Beyond so many connections the longest silent one makes room for the next. */
  readonly maxConnections?: number
  /** Monotonic milliseconds. */
  readonly now?: () => number
}

const backlog = 1024
/**
 * TLS connections within their handshake, which takes a client milliseconds: each holds 70 kB that its peer need
 * not pay for.
 */
const mostHandshakes = 500
/** Requests that have begun to come in, together: a crowd of the longest ones would fill the memory. */
const mostAnnouncedBytes = 32 << 20

/** A TLS connection until it is one. */
interface Handshake {
  /** It ends, and is told of, unless it is through or has left already. */
  readonly leave: (reason: string) => void
}

/** Listens, and owns whatever is connected. */
export class DicomServer {
  readonly #server: Server
  readonly #acceptors = new Set<Acceptor>()
  /** TLS connections that are not through their handshake: no acceptor knows of them yet. */
  readonly #handshakes = new Map<string, Handshake>()
  readonly #clock: NodeJS.Timeout
  readonly #maxConnections: number
  #onEmpty: (() => void) | undefined

  private constructor(
    provider: ServiceProvider,
    observer: AcceptorObserver,
    options: DicomServerOptions,
    server: Server,
  ) {
    this.#server = server
    this.#maxConnections = options.maxConnections ?? 2000
    const life = {
      now: options.now ?? (() => performance.now()),
      onGone: (acceptor: Acceptor) => {
        this.#acceptors.delete(acceptor)
        if (this.#acceptors.size === 0) this.#onEmpty?.()
      },
      onAnnounced: () => {
        this.#boundAnnounced()
      },
    }
    const transportOf = options.tls === undefined ? plainTransport : streamTransport
    server.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      this.#handshakes.delete(nameOf(socket))
      if (this.#acceptors.size >= this.#maxConnections) this.#makeRoom()
      transportOf(socket, (transport) => {
        const acceptor = new Acceptor(transport, provider, observer, options, life)
        this.#acceptors.add(acceptor)
        return acceptor.listener
      })
    })
    if (options.tls !== undefined) {
      server.on('connection', (socket: Socket) => {
        this.#watchHandshake(socket, observer)
      })
    }
    server.on('tlsClientError', (error: Error, socket: Socket) => {
      const { code } = error as NodeJS.ErrnoException
      // Of one that has gone Node does not know any more who it was: its `close` tells that.
      this.#handshakes.get(nameOf(socket))?.leave(`TLS: ${code ?? error.message}`)
      // Node leaves one whose time is over as it is.
      socket.destroy()
    })
    // One coarse clock for all: a timer a connection, moved at every PDU, costs more than it tells.
    const shortest = Math.min(options.handshakeMs, options.idleMs)
    this.#clock = setInterval(
      () => {
        for (const acceptor of this.#acceptors) acceptor.checkDeadline()
      },
      Math.max(10, Math.min(1000, shortest / 4)),
    )
  }

  /** @throws FionaError E_PORT_IN_USE or E_PORT_NOT_ALLOWED */
  static async listen(
    provider: ServiceProvider,
    observer: AcceptorObserver,
    options: DicomServerOptions,
  ): Promise<DicomServer> {
    const server = await listener(options)
    const dicom = new DicomServer(provider, observer, options, server)
    try {
      const { descriptor: fd, port, host } = options
      if (fd === undefined) server.listen({ port, host, backlog })
      else server.listen({ fd }, backlog)
      await once(server, 'listening')
    } catch (error) {
      clearInterval(dicom.#clock)
      throw cannotListen(error, options.port)
    }
    server.on('error', (error: NodeJS.ErrnoException) => {
      // No descriptor left to accept with (EMFILE): that passes, and must not end the others.
      observer.turnedAway?.('', `not accepted: ${error.code ?? error.message}`)
      dicom.#makeRoom()
    })
    return dicom
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Of the listening socket; undefined where this Node does not tell. */
  get descriptor(): number | undefined {
    const { _handle: handle } = this.#server as unknown as { _handle?: { fd?: number } | null }
    return handle?.fd
  }

  /** Whoever is connected, associated or not. */
  get connections(): number {
    return this.#acceptors.size
  }

  /** Associations in progress. */
  get associations(): number {
    let count = 0
    for (const acceptor of this.#acceptors) if (acceptor.isEstablished) count++
    return count
  }

  /**
   * Accepts no more, lets the operations under way end, aborts the associations.
   * @param graceMs what is not through by then is cut off
   */
  async stop(graceMs: number): Promise<void> {
    this.#server.close()
    for (const { leave } of this.#handshakes.values()) leave('shutting down')
    for (const acceptor of this.#acceptors) acceptor.stop()
    const impatience = setTimeout(() => {
      for (const acceptor of this.#acceptors) acceptor.destroy()
    }, graceMs)
    if (this.#acceptors.size > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve))
    clearTimeout(impatience)
    clearInterval(this.#clock)
  }

  /** Whoever connects and says nothing must not keep the others out: the longest silent one goes. */
  #makeRoom(): void {
    for (const acceptor of this.#acceptors) {
      if (!acceptor.mayGiveWay) continue
      acceptor.giveWay()
      return
    }
  }

  #watchHandshake(socket: Socket, observer: AcceptorObserver): void {
    const name = nameOf(socket)
    const address = addressOf(socket)
    const leave = (reason: string): void => {
      if (this.#handshakes.get(name) !== handshake) return
      this.#handshakes.delete(name)
      observer.turnedAway?.(address, reason)
      socket.destroy()
    }
    const handshake: Handshake = { leave }
    const [oldest] = this.#handshakes.values()
    const { size } = this.#handshakes
    const isFull = size >= mostHandshakes || size + this.#acceptors.size >= this.#maxConnections
    if (isFull) oldest?.leave('made room for others')
    this.#handshakes.set(name, handshake)
    socket.once('close', () => {
      leave('it went within the TLS handshake')
    })
  }

  /** The oldest unfinished requests go until the rest may be held. */
  #boundAnnounced(): void {
    let bytes = 0
    for (const acceptor of this.#acceptors) bytes += acceptor.announcedBytes
    for (const acceptor of this.#acceptors) {
      if (bytes <= mostAnnouncedBytes) return
      if (acceptor.announcedBytes === 0) continue
      bytes -= acceptor.announcedBytes
      acceptor.giveWay()
    }
  }
}

/** The same for a connection and for the TLS on it. */
function nameOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${String(remotePort)}`
}

async function listener(options: DicomServerOptions): Promise<Server> {
  if (options.tls === undefined) return createServer({ pauseOnConnect: true, noDelay: true })
  const tls = await import('node:tls')
  return tls.createServer({
    minVersion: 'TLSv1.2',
    handshakeTimeout: options.handshakeMs,
    ...options.tls,
    noDelay: true,
  } as TlsOptions)
}

function cannotListen(error: unknown, port: number): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') {
    return new FionaError('E_PORT_IN_USE', `port ${String(port)} is in use`, {
      hint: 'stop the program that listens there, or choose another with --port',
      exitCode: ExitCode.unavailable,
      cause: error,
    })
  }
  if (code === 'EACCES') {
    return new FionaError('E_PORT_NOT_ALLOWED', `port ${String(port)} is not for this user`, {
      hint: 'ports below 1024 need CAP_NET_BIND_SERVICE; DICOM also has 11112',
      exitCode: ExitCode.notAllowed,
      cause: error,
    })
  }
  return error
}
