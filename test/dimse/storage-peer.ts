// A storage SCP that does what a test tells it to, right or wrong. The bytes it sends are made with the
// codec, which has tests of its own; its behaviour is made here.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import {
  type AssociateRequest,
  CommandField,
  type CommandSet,
  type ControlPdu,
  MessageReader,
  PduStream,
  PduType,
  encodeCommandSet,
  encodeControlPdu,
  encodeDataTransfer,
  responseTo,
} from '../../src/lib/dimse/index.ts'

/** What the peer does with one object: answers with a status, or misbehaves. */
export type Reaction =
  | number
  | 'silence'
  | 'abort'
  | 'close'
  | 'reset'
  | { readonly bytes: Buffer }
  | { readonly answer: Partial<CommandSet> }

export interface PeerOptions {
  /** Called for each object, counted from 1 over all associations. */
  readonly store?: (number: number, command: CommandSet) => Reaction
  /** Instead of an answer to the request for an association. */
  readonly associate?: (number: number, request: AssociateRequest) => Buffer | 'silence' | undefined
  /** Instead of an answer to C-ECHO. */
  readonly echo?: Buffer
  readonly accepts?: (abstractSyntax: string, transferSyntaxes: readonly string[]) => boolean
  readonly maxPduLength?: number
  /** Reads nothing of the data, so that the sender must wait. */
  readonly deaf?: boolean
  /** Data sets that every query finds. */
  readonly matches?: readonly Buffer[]
  /** Instead of an answer to the request for release, or before it. */
  readonly release?: 'silence' | 'collide' | Buffer
  readonly port?: number
}

export interface Received {
  readonly SOPInstanceUID: string
  /** Of the data set. */
  readonly sha256: string
  readonly bytes: number
}

export class StoragePeer {
  readonly received: Received[] = []
  readonly requests: AssociateRequest[] = []
  /** Lengths of the P-DATA-TF PDUs that came. */
  readonly pduLengths = new Set<number>()
  open = 0
  mostOpen = 0
  aborts = 0
  /** Objects that came, whatever was answered. */
  objects = 0
  readonly #options: PeerOptions
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(options: PeerOptions) {
    this.#options = options
    this.#server = createServer((socket) => {
      this.#serve(socket)
    })
  }

  static async listen(options: PeerOptions = {}): Promise<StoragePeer> {
    const peer = new StoragePeer(options)
    peer.#server.listen(options.port ?? 0, '127.0.0.1')
    await once(peer.#server, 'listening')
    return peer
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `dicom://PEER@127.0.0.1:${String(this.port)}`
  }

  /** Each object once, by its identity and content. */
  get distinct(): Set<string> {
    return new Set(this.received.map(({ SOPInstanceUID, sha256 }) => `${SOPInstanceUID} ${sha256}`))
  }

  async close(): Promise<void> {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    if (this.#server.listening) await once(this.#server, 'close')
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    this.open++
    this.mostOpen = Math.max(this.mostOpen, this.open)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.open--
      this.#sockets.delete(socket)
    })
    let hash = createHash('sha256')
    let bytes = 0
    let current: { contextId: number; command: CommandSet } | undefined
    const messages = new MessageReader(
      {
        command: (contextId, command) => {
          current = { contextId, command }
          hash = createHash('sha256')
          bytes = 0
          const { echo } = this.#options
          if (echo !== undefined) socket.write(echo)
          else if (messages.isAtRest) this.#answer(socket, contextId, command, 0)
          if (this.#options.deaf === true) socket.pause()
        },
        dataSet: (part) => {
          bytes += part.length
          hash.update(part)
        },
        dataSetEnd: () => {
          if (current === undefined) return
          const { contextId, command } = current
          if (command.CommandField !== CommandField.CStoreRequest) {
            for (const match of this.#options.matches ?? []) {
              const pending = responseTo(command, { status: 0xff00, dataSet: match })
              const parts = [encodeCommandSet(pending), match].map((bytes, index) =>
                encodeDataTransfer({ contextId, isCommand: index === 0, bytes }, 16000),
              )
              socket.write(Buffer.concat(parts))
            }
            this.#answer(socket, contextId, command, 0)
            return
          }
          this.objects++
          const reaction = this.#options.store?.(this.objects, command) ?? 0
          if (typeof reaction === 'number' && (reaction === 0 || reaction >> 12 === 0xb)) {
            const SOPInstanceUID = command.AffectedSOPInstanceUID ?? ''
            this.received.push({ SOPInstanceUID, sha256: hash.digest('hex'), bytes })
          }
          this.#answer(socket, contextId, command, reaction)
        },
      },
      () => true,
    )
    const stream = new PduStream(
      {
        header: (type, length) => {
          if (type === PduType.DataTransfer) this.pduLengths.add(length)
        },
        control: (pdu) => {
          this.#control(socket, pdu)
        },
        pdvBegin: (contextId, isCommand, isLast) => {
          messages.pdvBegin(contextId, isCommand, isLast)
        },
        pdvBytes: (part) => {
          messages.pdvBytes(part)
        },
        pdvEnd: () => {
          messages.pdvEnd()
        },
      },
      1 << 21,
    )
    socket.on('data', (chunk) => {
      stream.push(chunk)
    })
  }

  #control(socket: Socket, pdu: ControlPdu): void {
    if (pdu.type === PduType.Abort) {
      this.aborts++
      socket.destroy()
    }
    if (pdu.type === PduType.ReleaseRequest) {
      if (this.#options.release === 'silence') return
      if (Buffer.isBuffer(this.#options.release)) {
        socket.write(this.#options.release)
        return
      }
      if (this.#options.release === 'collide') {
        socket.write(encodeControlPdu({ type: PduType.ReleaseRequest }))
      }
      socket.end(encodeControlPdu({ type: PduType.ReleaseResponse }))
    }
    if (pdu.type !== PduType.AssociateRequest) return
    this.requests.push(pdu)
    const instead = this.#options.associate?.(this.requests.length, pdu)
    if (instead === 'silence') return
    if (instead !== undefined) {
      socket.write(instead)
      return
    }
    const accepts = this.#options.accepts ?? (() => true)
    socket.write(
      encodeControlPdu({
        ...pdu,
        type: PduType.AssociateAccept,
        presentationContexts: pdu.presentationContexts.map(
          ({ id, abstractSyntax, transferSyntaxes }) => ({
            id,
            result: accepts(abstractSyntax, transferSyntaxes) ? 0 : 3,
            transferSyntax: transferSyntaxes[0] ?? '',
          }),
        ),
        userInformation: {
          maxPduLength: this.#options.maxPduLength ?? 16384,
          implementationClassUID: '2.25.1',
        },
      }),
    )
  }

  #answer(socket: Socket, contextId: number, request: CommandSet, reaction: Reaction): void {
    if (reaction === 'silence') return
    if (reaction === 'close') socket.end()
    else if (reaction === 'reset') socket.resetAndDestroy()
    else if (reaction === 'abort') {
      socket.end(encodeControlPdu({ type: PduType.Abort, source: 0, reason: 0 }))
    } else if (typeof reaction === 'object' && 'bytes' in reaction) socket.write(reaction.bytes)
    else {
      const status = typeof reaction === 'number' ? reaction : 0
      const changed = typeof reaction === 'object' ? reaction.answer : {}
      const command = { ...responseTo(request, { status }), ...changed }
      const bytes = encodeCommandSet(command)
      socket.write(encodeDataTransfer({ contextId, isCommand: true, bytes }, 16000))
    }
  }
}
