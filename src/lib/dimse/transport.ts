import { Socket } from 'node:net'

/** A connection, seen from the association: bytes in while they are wanted, whole PDUs out. */
export interface Transport {
  readonly address: string
  /** All in one piece. False when the peer does not take what we send: nothing more before `onDrain`. */
  write(parts: readonly Buffer[]): boolean
  resume(): void
  /** No more is sent; what was written still goes out. */
  end(): void
  destroy(): void
}

export interface TransportListener {
  /**
   * The bytes are borrowed until this returns.
   * @returns false to be left alone until `resume`
   */
  onBytes(bytes: Buffer): boolean
  onDrain(): void
  /** The end, however it came; nothing is called after it. */
  onClose(): void
}

/**
 * One read buffer serves every connection: a chunk is hashed and on its way to the file before the next
 * read(2), while it still is in the processor's cache. It also means that a connection costs no memory.
 */
const sharedReadBuffer = Buffer.allocUnsafeSlow(256 * 1024)

interface Internals {
  _handle: unknown
}

/**
 * An accepted connection that reads into a buffer of ours. A server's sockets cannot be told to (only
 * those of `net.connect` can), and their `data` events, each with a new buffer, cost half of the
 * throughput. So the socket that the server made hands its handle on to one that reads our way. Needs
 * `pauseOnConnect`, else bytes are lost in between.
 */
export function plainTransport(
  accepted: Socket,
  listenerOf: (transport: Transport) => TransportListener,
): Transport {
  const husk = accepted as unknown as Internals
  const handle = husk._handle
  // Not where Node keeps it today: slower, but right.
  if (handle === null || handle === undefined) return streamTransport(accepted, listenerOf)
  husk._handle = null
  accepted.destroy()
  // The socket asks for bytes only when `resume` says so, and the listener exists by then.
  const receiver: { listener?: TransportListener } = {}
  const socket = new Socket({
    handle,
    manualStart: true,
    onread: {
      buffer: sharedReadBuffer,
      callback: (length: number, buffer: Uint8Array) =>
        receiver.listener?.onBytes((buffer as Buffer).subarray(0, length)) ?? false,
    },
  } as ConstructorParameters<typeof Socket>[0])
  const transport = transportOf(socket)
  receiver.listener = listenerOf(transport)
  listen(socket, receiver.listener)
  socket.resume()
  return transport
}

/** Any other socket, TLS above all: ordinary stream reading. */
export function streamTransport(
  socket: Socket,
  listenerOf: (transport: Transport) => TransportListener,
): Transport {
  const transport = transportOf(socket)
  const listener = listenerOf(transport)
  socket.on('data', (chunk: Buffer) => {
    if (!listener.onBytes(chunk)) socket.pause()
  })
  listen(socket, listener)
  socket.resume()
  return transport
}

function listen(socket: Socket, listener: TransportListener): void {
  socket.setNoDelay(true)
  socket.on('drain', () => {
    listener.onDrain()
  })
  // A reset or a broken pipe: the close that follows is all there is to know.
  socket.on('error', () => undefined)
  socket.on('close', () => {
    listener.onClose()
  })
}

/** Of the peer; IPv4 as people write it. */
export function addressOf({ remoteAddress = '' }: Socket): string {
  return remoteAddress.replace(/^::ffff:(?=\d+\.)/, '')
}

function transportOf(socket: Socket): Transport {
  return {
    address: addressOf(socket),
    write: (parts) => (socket.writable ? writeTogether(socket, parts) : true),
    resume: () => {
      socket.resume()
    },
    end: () => {
      socket.end()
    },
    destroy: () => {
      socket.destroy()
    },
  }
}

/** What is written in parts waits, part by part, for acknowledgements: a short message is put together, a long one corked. */
const shortBytes = 64 << 10

function writeTogether(socket: Socket, parts: readonly Buffer[]): boolean {
  const bytes = parts.reduce((sum, part) => sum + part.length, 0)
  if (bytes <= shortBytes) return socket.write(Buffer.concat(parts, bytes))
  socket.cork()
  let isTaken = true
  for (const part of parts) isTaken = socket.write(part)
  socket.uncork()
  return isTaken
}
