import { once } from 'node:events'
import { type Socket, connect } from 'node:net'
import {
  type AssociateRequest,
  type CommandSet,
  type ControlPdu,
  DICOM_APPLICATION_CONTEXT,
  MessageReader,
  PduStream,
  PduType,
  VERIFICATION,
  encodeCommandSet,
  encodeControlPdu,
  encodeDataTransfer,
  storeRequest,
} from '../../src/lib/dimse/index.ts'
import { CT_IMAGE_STORAGE, syntax } from '../fixtures/dicom-writer.ts'

export const contexts = [
  { id: 1, abstractSyntax: CT_IMAGE_STORAGE, transferSyntaxes: [syntax.explicit] },
  { id: 3, abstractSyntax: VERIFICATION, transferSyntaxes: [syntax.implicit] },
]

export function associateRequest(
  changes: Partial<Omit<AssociateRequest, 'type'>> = {},
): AssociateRequest {
  return {
    type: PduType.AssociateRequest,
    protocolVersion: 1,
    calledAETitle: 'FIONA',
    callingAETitle: 'PEER',
    applicationContext: DICOM_APPLICATION_CONTEXT,
    presentationContexts: contexts,
    userInformation: { maxPduLength: 16384, implementationClassUID: '2.25.7' },
    ...changes,
  }
}

export function commandPdus(command: CommandSet, contextId = 1, maxBytes = 16000): Buffer {
  const message = { contextId, isCommand: true, bytes: encodeCommandSet(command) }
  return encodeDataTransfer(message, maxBytes)
}

export function dataPdus(bytes: Buffer, contextId = 1, maxBytes = 16000): Buffer {
  return encodeDataTransfer({ contextId, isCommand: false, bytes }, maxBytes)
}

/** C-STORE-RQ and data set, as a well-behaved sender writes them. */
export function storePdus(object: {
  readonly dataSet: Buffer
  readonly SOPInstanceUID: string
  readonly SOPClassUID?: string
  readonly MessageID?: number
}): Buffer {
  const command = storeRequest({
    MessageID: object.MessageID ?? 1,
    SOPClassUID: object.SOPClassUID ?? CT_IMAGE_STORAGE,
    SOPInstanceUID: object.SOPInstanceUID,
  })
  return Buffer.concat([commandPdus(command), dataPdus(object.dataSet)])
}

export type Heard =
  | ControlPdu
  | { readonly type: 'command'; readonly command: CommandSet; readonly dataSet?: Buffer }
  | 'closed'

/** The other end of a connection: sends any bytes, and tells what comes back, in order. */
export class Peer {
  readonly socket: Socket
  #heard: Heard[] = []
  #waiting: ((heard: Heard) => void)[] = []

  private constructor(socket: Socket) {
    this.socket = socket
    let current: CommandSet | undefined
    let parts: Buffer[] = []
    const messages = new MessageReader(
      {
        command: (_, command) => {
          current = command
          if (messages.isAtRest) this.#hear({ type: 'command', command })
        },
        dataSet: (bytes) => {
          parts.push(Buffer.from(bytes))
        },
        dataSetEnd: () => {
          if (current === undefined) throw new Error('a data set without command')
          this.#hear({ type: 'command', command: current, dataSet: Buffer.concat(parts) })
          parts = []
        },
      },
      () => true,
    )
    const stream = new PduStream(
      {
        header: () => undefined,
        control: (pdu) => {
          this.#hear(pdu)
        },
        pdvBegin: (...header) => {
          messages.pdvBegin(...header)
        },
        pdvBytes: (bytes) => {
          messages.pdvBytes(bytes)
        },
        pdvEnd: () => {
          messages.pdvEnd()
        },
      },
      1 << 20,
    )
    socket.on('data', (chunk: Buffer) => stream.push(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#hear('closed')
    })
  }

  static async connect(port: number): Promise<Peer> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return new Peer(socket)
  }

  /** Connected and associated. */
  static async associated(
    port: number,
    changes: Partial<Omit<AssociateRequest, 'type'>> = {},
  ): Promise<Peer> {
    const peer = await Peer.connect(port)
    peer.send(encodeControlPdu(associateRequest(changes)))
    const answer = await peer.next()
    if (answer === 'closed' || answer.type !== PduType.AssociateAccept) {
      throw new Error(`not accepted: ${JSON.stringify(answer)}`)
    }
    return peer
  }

  send(bytes: Buffer | ControlPdu): void {
    this.socket.write(Buffer.isBuffer(bytes) ? bytes : encodeControlPdu(bytes))
  }

  next(): Promise<Heard> {
    const heard = this.#heard.shift()
    if (heard !== undefined) return Promise.resolve(heard)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** The next message, and nothing else. */
  async message(): Promise<Extract<Heard, { readonly type: 'command' }>> {
    const heard = await this.next()
    if (heard === 'closed' || heard.type !== 'command') {
      throw new Error(`no message: ${JSON.stringify(heard)}`)
    }
    return heard
  }

  /** The status of the next response. */
  async status(): Promise<number | undefined> {
    return (await this.message()).command.Status
  }

  async release(): Promise<void> {
    this.send({ type: PduType.ReleaseRequest })
    await this.next()
    this.socket.end()
  }

  #hear(heard: Heard): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#heard.push(heard)
    else waiting(heard)
  }
}
