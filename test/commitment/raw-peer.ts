// A peer that asks for storage commitment, and one that hears reports, byte by byte and without any code of
// the receiver: a mistake made on both sides would not show.
import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'
import {
  type ConnectionOptions,
  type TlsOptions,
  connect as connectSecure,
  createServer as createSecureServer,
} from 'node:tls'
import { dataSetBytes, el, sq } from '../fixtures/dicom-writer.ts'

export const COMMITMENT = '1.2.840.10008.1.20.1'
export const COMMITMENT_INSTANCE = '1.2.840.10008.1.20.1.1'
export const implicit = '1.2.840.10008.1.2'
const pushModel = { id: 1, abstractSyntax: COMMITMENT, transferSyntax: implicit }

export interface Context {
  readonly id: number
  readonly abstractSyntax: string
  readonly transferSyntax: string
}

export interface Message {
  /** By element number of group 0000: text without padding, or a number. */
  readonly command: ReadonlyMap<number, string | number>
  readonly contextId: number
  readonly dataSet: Buffer
}
export const Field = {
  affectedClass: 0x0002,
  requestedClass: 0x0003,
  command: 0x0100,
  messageId: 0x0110,
  respondedTo: 0x0120,
  dataSetType: 0x0800,
  status: 0x0900,
  comment: 0x0902,
  affectedInstance: 0x1000,
  requestedInstance: 0x1001,
  eventType: 0x1002,
  actionType: 0x1008,
} as const

type Heard = { readonly pdu: number; readonly body: Buffer } | 'closed'

const item = (type: number, contents: Buffer): Buffer => {
  const header = Buffer.from([type, 0, 0, 0])
  header.writeUInt16BE(contents.length, 2)
  return Buffer.concat([header, contents])
}
const text = (value: string): Buffer => Buffer.from(value, 'latin1')
const pdu = (type: number, body: Buffer): Buffer => {
  const header = Buffer.from([type, 0, 0, 0, 0, 0])
  header.writeUInt32BE(body.length, 2)
  return Buffer.concat([header, body])
}

/** One end of a connection. */
export class RawPeer {
  readonly socket: Socket
  #bytes = Buffer.alloc(0)
  #heard: Heard[] = []
  #waiting: ((heard: Heard) => void)[] = []
  #messageId = 0

  constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk])
      while (this.#bytes.length >= 6) {
        const length = this.#bytes.readUInt32BE(2)
        if (this.#bytes.length < 6 + length) return
        const body = this.#bytes.subarray(6, 6 + length)
        this.#hear({ pdu: this.#bytes[0] ?? 0, body })
        this.#bytes = this.#bytes.subarray(6 + length)
      }
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#hear('closed')
    })
  }

  /** Connected and associated, every context accepted. */
  static async associated(
    port: number,
    options: {
      readonly contexts?: readonly Context[]
      readonly callingAET?: string
      readonly tls?: ConnectionOptions
    } = {},
  ): Promise<RawPeer> {
    const { contexts = [pushModel], callingAET = 'MODALITY', tls } = options
    const place = { port, host: '127.0.0.1' }
    const socket = tls === undefined ? connect(place) : connectSecure({ ...place, ...tls })
    await once(socket, tls === undefined ? 'connect' : 'secureConnect')
    const peer = new RawPeer(socket)
    const body = Buffer.concat([
      Buffer.from([0, 1, 0, 0]),
      text('FIONA'.padEnd(16)),
      text(callingAET.padEnd(16)),
      Buffer.alloc(32),
      item(0x10, text('1.2.840.10008.3.1.1.1')),
      ...contexts.map(({ id, abstractSyntax, transferSyntax }) =>
        item(
          0x20,
          Buffer.concat([
            Buffer.from([id, 0, 0, 0]),
            item(0x30, text(abstractSyntax)),
            item(0x40, text(transferSyntax)),
          ]),
        ),
      ),
      item(
        0x50,
        Buffer.concat([item(0x51, Buffer.from([0, 0, 0x40, 0])), item(0x52, text('2.25.8'))]),
      ),
    ])
    socket.write(pdu(1, body))
    const answer = await peer.next()
    if (answer === 'closed' || answer.pdu !== 2) throw new Error('the association was not accepted')
    const results = answeredContexts(answer.body)
    for (const { id } of contexts) {
      if (results.get(id) !== 0) throw new Error(`context ${String(id)} was not accepted`)
    }
    return peer
  }

  next(): Promise<Heard> {
    const heard = this.#heard.shift()
    if (heard !== undefined) return Promise.resolve(heard)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** A whole message, however it is cut. */
  async message(): Promise<Message> {
    const parts = { command: [] as Buffer[], data: [] as Buffer[] }
    let contextId = 0
    for (let isCommand = true, isWhole = false; !isWhole;) {
      const heard = await this.next()
      if (heard === 'closed' || heard.pdu !== 4) {
        throw new Error(`no message but ${heard === 'closed' ? heard : `PDU ${String(heard.pdu)}`}`)
      }
      for (let at = 0; at < heard.body.length;) {
        const length = heard.body.readUInt32BE(at)
        const control = heard.body[at + 5] ?? 0
        contextId = heard.body[at + 4] ?? 0
        if (((control & 1) === 1) !== isCommand) throw new Error('a fragment of the wrong kind')
        parts[isCommand ? 'command' : 'data'].push(heard.body.subarray(at + 6, at + 4 + length))
        at += 4 + length
        if ((control & 2) === 0) continue
        const hasDataSet =
          readCommand(Buffer.concat(parts.command)).get(Field.dataSetType) !== 0x0101
        isWhole = !isCommand || !hasDataSet
        isCommand = false
      }
    }
    const command = readCommand(Buffer.concat(parts.command))
    return { command, contextId, dataSet: Buffer.concat(parts.data) }
  }

  send(
    contextId: number,
    command: readonly (readonly [element: number, value: string | number])[],
    dataSet?: Buffer,
  ): void {
    const type = [Field.dataSetType, dataSet === undefined ? 0x0101 : 0] as const
    this.socket.write(
      Buffer.concat([
        fragments(contextId, 1, writeCommand([...command, type])),
        ...(dataSet === undefined ? [] : [fragments(contextId, 0, dataSet)]),
      ]),
    )
  }

  nextMessageId(): number {
    this.#messageId++
    return this.#messageId
  }

  /** N-ACTION-RQ; the changes replace elements of its command. */
  ask(
    dataSet: Buffer | undefined,
    changes: readonly (readonly [number, string | number])[] = [],
    contextId = 1,
  ): void {
    const command = new Map<number, string | number>([
      [Field.requestedClass, COMMITMENT],
      [Field.command, 0x0130],
      [Field.messageId, this.nextMessageId()],
      [Field.requestedInstance, COMMITMENT_INSTANCE],
      [Field.actionType, 1],
      ...changes,
    ])
    this.send(contextId, [...command], dataSet)
  }

  /** N-ACTION, and the status of its response. */
  async asked(
    dataSet: Buffer | undefined,
    changes: readonly (readonly [number, string | number])[] = [],
  ): Promise<number> {
    this.ask(dataSet, changes)
    const { command } = await this.message()
    if (command.get(Field.command) !== 0x8130) throw new Error('not the response to N-ACTION')
    return Number(command.get(Field.status))
  }

  /** C-STORE in the context given, and the status of its response. */
  async store(
    contextId: number,
    SOPClassUID: string,
    SOPInstanceUID: string,
    dataSet: Buffer,
  ): Promise<number> {
    this.send(
      contextId,
      [
        [Field.affectedClass, SOPClassUID],
        [Field.command, 0x0001],
        [Field.messageId, this.nextMessageId()],
        [0x0700, 0],
        [Field.affectedInstance, SOPInstanceUID],
      ],
      dataSet,
    )
    const { command } = await this.message()
    if (command.get(Field.command) !== 0x8001) throw new Error('not the response to C-STORE')
    return Number(command.get(Field.status))
  }

  /** The report that comes next, unanswered. */
  async report(): Promise<Report & { readonly message: Message }> {
    const message = await this.message()
    if (message.command.get(Field.command) !== 0x0100) throw new Error('not an N-EVENT-REPORT')
    return { ...readReport(message), message }
  }

  /** N-EVENT-REPORT-RSP */
  answer({ command, contextId }: Message, status = 0, dataSet?: Buffer): void {
    this.send(
      contextId,
      [
        [Field.affectedClass, COMMITMENT],
        [Field.command, 0x8100],
        [Field.respondedTo, Number(command.get(Field.messageId))],
        [Field.status, status],
        [Field.affectedInstance, COMMITMENT_INSTANCE],
        [Field.eventType, Number(command.get(Field.eventType))],
      ],
      dataSet,
    )
  }

  async release(): Promise<void> {
    this.socket.write(pdu(5, Buffer.alloc(4)))
    for (let heard = await this.next(); heard !== 'closed' && heard.pdu !== 6;) {
      heard = await this.next()
    }
    this.socket.end()
  }

  #hear(heard: Heard): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#heard.push(heard)
    else waiting(heard)
  }
}

export interface Association {
  readonly peer: RawPeer
  readonly callingAET: string
  readonly calledAET: string
  /** Asked for: is the one who opens it SCU, SCP? */
  readonly roles: ReadonlyMap<string, readonly [scu: number, scp: number]>
}

export interface ListenerOptions {
  /** How it answers the role selection: by repeating it, by leaving it out, or by refusing it. */
  readonly roles?: 'repeat' | 'omit' | 'refuse'
  readonly port?: number
  /** Rejects every association. */
  readonly isClosed?: boolean
  readonly tls?: TlsOptions
}

/** Waits for associations, accepts them in implicit VR, and answers a release. */
export class RawListener {
  readonly #server: Server
  #associations: Association[] = []
  #waiting: ((association: Association) => void)[] = []
  rejected = 0

  private constructor(server: Server) {
    this.#server = server
  }

  static async listen(options: ListenerOptions = {}): Promise<RawListener> {
    const { tls } = options
    const server = tls === undefined ? createServer() : createSecureServer(tls)
    const listener = new RawListener(server)
    server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      void listener.#accept(new RawPeer(socket), options)
    })
    server.listen(options.port ?? 0, '127.0.0.1')
    await once(server, 'listening')
    return listener
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Associations that nobody has taken. */
  get untaken(): number {
    return this.#associations.length
  }

  next(): Promise<Association> {
    const first = this.#associations.shift()
    if (first !== undefined) return Promise.resolve(first)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  close(): void {
    this.#server.close()
  }

  async #accept(peer: RawPeer, options: ListenerOptions): Promise<void> {
    const heard = await peer.next()
    if (heard === 'closed' || heard.pdu !== 1) {
      peer.socket.destroy()
      return
    }
    if (options.isClosed === true) {
      this.rejected++
      peer.socket.end(pdu(3, Buffer.from([0, 1, 1, 3])))
      return
    }
    const { body } = heard
    const roles = new Map<string, readonly [number, number]>()
    const contexts: Buffer[] = []
    const roleItems: Buffer[] = []
    for (const [type, contents] of itemsOf(body.subarray(68))) {
      if (type === 0x20) {
        const id = contents[0] ?? 0
        contexts.push(
          item(0x21, Buffer.concat([Buffer.from([id, 0, 0, 0]), item(0x40, text(implicit))])),
        )
      }
      if (type !== 0x50) continue
      for (const [subType, sub] of itemsOf(contents)) {
        if (subType !== 0x54) continue
        const length = sub.readUInt16BE(0)
        const role = [sub[2 + length] ?? 0, sub[3 + length] ?? 0] as const
        roles.set(sub.toString('latin1', 2, 2 + length), role)
        const answer = Buffer.from(sub)
        if (options.roles === 'refuse') answer[3 + length] = 0
        if (options.roles !== 'omit') roleItems.push(item(0x54, answer))
      }
    }
    peer.socket.write(
      pdu(
        2,
        Buffer.concat([
          body.subarray(0, 68),
          item(0x10, text('1.2.840.10008.3.1.1.1')),
          ...contexts,
          item(
            0x50,
            Buffer.concat([
              item(0x51, Buffer.from([0, 0, 0x40, 0])),
              item(0x52, text('2.25.8')),
              ...roleItems,
            ]),
          ),
        ]),
      ),
    )
    const title = (at: number): string => body.toString('latin1', at, at + 16).trim()
    const association = { peer, calledAET: title(4), callingAET: title(20), roles }
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#associations.push(association)
    else waiting(association)
  }
}

/** Answers a release, and waits for the end of the connection. */
export async function untilReleased({ peer }: Association): Promise<void> {
  const heard = await peer.next()
  if (heard === 'closed' || heard.pdu !== 5) throw new Error('no release')
  peer.socket.write(pdu(6, Buffer.alloc(4)))
  peer.socket.end()
}

export interface Report {
  readonly eventType: number
  readonly TransactionUID: string
  readonly committed: readonly string[]
  /** By SOP Instance UID. */
  readonly failed: Readonly<Record<string, number>>
}

/** Action information: the references as `class instance` pairs. */
export function requestBytes(
  TransactionUID: string,
  references: readonly (readonly [SOPClassUID: string, SOPInstanceUID: string])[],
): Buffer {
  return dataSetBytes(
    [
      el(0x00081195, 'UI', TransactionUID),
      sq(
        0x00081199,
        references.map(([SOPClassUID, SOPInstanceUID]) => [
          el(0x00081150, 'UI', SOPClassUID),
          el(0x00081155, 'UI', SOPInstanceUID),
        ]),
      ),
    ],
    { explicitVR: false },
  )
}

function readReport({ command, dataSet }: Message): Report {
  const elements = readImplicit(dataSet)
  const uid = (element: Element | undefined): string =>
    Buffer.isBuffer(element) ? element.toString('latin1').replace(/\0$/, '') : ''
  const items = (tag: number): readonly DataSet[] => {
    const found = elements.get(tag)
    return found === undefined || Buffer.isBuffer(found) ? [] : found
  }
  return {
    eventType: Number(command.get(Field.eventType)),
    TransactionUID: uid(elements.get(0x00081195)),
    committed: items(0x00081199).map((one) => uid(one.get(0x00081155))),
    failed: Object.fromEntries(
      items(0x00081198).map((one) => {
        const reason = one.get(0x00081197)
        return [uid(one.get(0x00081155)), Buffer.isBuffer(reason) ? reason.readUInt16LE(0) : -1]
      }),
    ),
  }
}

type Element = Buffer | readonly DataSet[]
type DataSet = ReadonlyMap<number, Element>

/** Implicit VR little endian; what has undefined length is a sequence. */
function readImplicit(bytes: Buffer): DataSet {
  let at = 0
  const header = (): readonly [tag: number, length: number] => {
    const tag = bytes.readUInt16LE(at) * 0x10000 + bytes.readUInt16LE(at + 2)
    at += 8
    return [tag, bytes.readUInt32LE(at - 4)]
  }
  const dataSet = (): DataSet => {
    const elements = new Map<number, Element>()
    while (at < bytes.length) {
      const [tag, length] = header()
      if (tag === 0xfffee00d) break
      if (length !== 0xffffffff) {
        elements.set(tag, bytes.subarray(at, at + length))
        at += length
        continue
      }
      const items: DataSet[] = []
      for (let [next] = header(); next === 0xfffee000; [next] = header()) items.push(dataSet())
      elements.set(tag, items)
    }
    return elements
  }
  return dataSet()
}

function* itemsOf(bytes: Buffer): Generator<readonly [type: number, contents: Buffer]> {
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt16BE(at + 2)
    yield [bytes[at] ?? 0, bytes.subarray(at + 4, at + 4 + length)]
    at += 4 + length
  }
}

/** What became of each proposed context. */
function answeredContexts(body: Buffer): ReadonlyMap<number, number> {
  const results = new Map<number, number>()
  for (const [type, contents] of itemsOf(body.subarray(68))) {
    if (type === 0x21) results.set(contents[0] ?? 0, contents[2] ?? -1)
  }
  return results
}

function fragments(contextId: number, control: number, bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  const longest = 16_000
  for (let at = 0; at === 0 || at < bytes.length; at += longest) {
    const part = bytes.subarray(at, at + longest)
    const header = Buffer.alloc(6)
    header.writeUInt32BE(part.length + 2)
    header[4] = contextId
    header[5] = control | (at + longest >= bytes.length ? 2 : 0)
    parts.push(pdu(4, Buffer.concat([header, part])))
  }
  return Buffer.concat(parts)
}

function writeCommand(elements: readonly (readonly [number, string | number])[]): Buffer {
  const parts = [...elements]
    .sort(([a], [b]) => a - b)
    .map(([element, value]) => {
      const bytes = typeof value === 'number' ? Buffer.alloc(2) : text(value)
      if (typeof value === 'number') bytes.writeUInt16LE(value)
      const padding = Buffer.alloc(bytes.length % 2)
      const header = Buffer.alloc(8)
      header.writeUInt16LE(element, 2)
      header.writeUInt32LE(bytes.length + padding.length, 4)
      return Buffer.concat([header, bytes, padding])
    })
  return Buffer.concat(parts)
}

function readCommand(bytes: Buffer): ReadonlyMap<number, string | number> {
  const found = new Map<number, string | number>()
  for (let at = 0; at < bytes.length;) {
    const element = bytes.readUInt16LE(at + 2)
    const value = bytes.subarray(at + 8, at + 8 + bytes.readUInt32LE(at + 4))
    const isText = [0x0002, 0x0003, 0x0902, 0x1000, 0x1001].includes(element)
    found.set(
      element,
      isText
        ? value.toString('latin1').replace(/[\0 ]+$/, '')
        : value.readUIntLE(0, Math.min(4, value.length)),
    )
    at += 8 + value.length
  }
  return found
}
