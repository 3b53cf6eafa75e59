import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import {
  AbortReason,
  type AcceptorObserver,
  CommandField,
  type DataSetConsumer,
  DicomServer,
  type DicomServerOptions,
  type Operation,
  PduType,
  type ServiceProvider,
  Status,
  acceptAssociation,
  echoRequest,
  encodeCommandSet,
  encodeControlPdu,
  storeRequest,
} from '../../src/lib/dimse/index.ts'
import { Peer, associateRequest, commandPdus, dataPdus, storePdus } from './peer.ts'

/** Keeps what it gets; the answer waits where a test says so. */
class Keeper implements ServiceProvider, AcceptorObserver {
  readonly stored: { operation: Operation; sha256: string; bytes: number }[] = []
  readonly log: string[] = []
  abandoned = 0
  ready: Promise<void> = Promise.resolve()
  answerWhen: Promise<void> = Promise.resolve()
  onBytes: (() => void) | undefined
  /** Waited for behind each part of a data set. */
  congestion: Promise<void> | undefined
  slowStart = false

  associate(request: Parameters<ServiceProvider['associate']>[0]) {
    return acceptAssociation(request, {
      maxPduBytes: 16384,
      implementationClassUID: '2.25.1',
      implementationVersionName: 'TEST',
      choose: (_, [transferSyntax]) =>
        transferSyntax === undefined ? 'transferSyntaxesNotSupported' : { transferSyntax },
    })
  }

  consume(operation: Operation): DataSetConsumer | Promise<DataSetConsumer> {
    const hash = createHash('sha256')
    let bytes = 0
    const consumer: DataSetConsumer = {
      write: (chunk) => {
        hash.update(chunk)
        bytes += chunk.length
        this.onBytes?.()
        return this.congestion
      },
      finish: async () => {
        await this.answerWhen
        this.stored.push({ operation, sha256: hash.digest('hex'), bytes })
        return { status: Status.success }
      },
      abandon: async () => {
        this.abandoned++
      },
    }
    return this.slowStart ? this.ready.then(() => consumer) : consumer
  }

  perform({ command }: Operation) {
    const isEcho = command.CommandField === CommandField.CEchoRequest
    return { status: isEcho ? Status.success : Status.unrecognizedOperation }
  }

  started() {
    this.log.push('started')
  }
  ended(_: unknown, end: string) {
    this.log.push(end)
  }
  turnedAway(_: string, reason: string) {
    this.log.push(`turned away: ${reason}`)
  }
  failed(error: unknown) {
    this.log.push(`failed: ${String(error)}`)
  }
}

async function serve(
  t: Test,
  options: Partial<DicomServerOptions> = {},
  keeper = new Keeper(),
): Promise<{ keeper: Keeper; server: DicomServer; port: number }> {
  const server = await DicomServer.listen(keeper, keeper, {
    port: 0,
    host: '127.0.0.1',
    maxPduBytes: 16384,
    idleMs: 60_000,
    handshakeMs: 60_000,
    ...options,
  })
  t.teardown(() => server.stop(0))
  return { keeper, server, port: server.port }
}

const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const abort = (reason: number, source = 2) => ({ type: PduType.Abort, source, reason })

t.test('however a message is cut, the same data set comes out', async (t) => {
  const { keeper, port } = await serve(t)
  const command = encodeCommandSet(
    storeRequest({ MessageID: 5, SOPClassUID: '1.2.3', SOPInstanceUID: '1.2.3.4' }),
  )
  /** Fragments of a size, packed so many to a PDU; the wire cut again into writes. */
  const cut = (bytes: Buffer, isCommand: boolean, size: number): Buffer[] => {
    const pdvs: Buffer[] = []
    for (let at = 0; at < bytes.length || at === 0; at += size) {
      const part = bytes.subarray(at, at + size)
      const header = Buffer.alloc(6)
      header.writeUInt32BE(part.length + 2)
      header[4] = 1
      header[5] = (isCommand ? 1 : 0) | (at + size >= bytes.length ? 2 : 0)
      pdvs.push(Buffer.concat([header, part]))
    }
    return pdvs
  }
  const pack = (pdvs: readonly Buffer[], perPdu: number): Buffer => {
    const pdus: Buffer[] = []
    for (let at = 0; at < pdvs.length; at += perPdu) {
      const body = Buffer.concat(pdvs.slice(at, at + perPdu))
      const header = Buffer.from([4, 0, 0, 0, 0, 0])
      header.writeUInt32BE(body.length, 2)
      pdus.push(header, body)
    }
    return Buffer.concat(pdus)
  }
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 4000 }),
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 900 }),
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 8 }),
      async (array, commandSize, dataSize, perPdu, writes) => {
        const dataSet = Buffer.from(array)
        const pdvs = [...cut(command, true, commandSize), ...cut(dataSet, false, dataSize)]
        const wire = pack(pdvs, perPdu)
        const peer = await Peer.associated(port)
        let at = 0
        for (const length of writes) {
          peer.send(wire.subarray(at, at + length))
          at += length
          await new Promise(setImmediate)
        }
        peer.send(wire.subarray(at))
        t.equal(await peer.status(), Status.success)
        t.equal(keeper.stored.at(-1)?.sha256, digest(dataSet))
        await peer.release()
      },
    ),
    { numRuns: 40 },
  )
})

t.test('a connection of one-byte segments is understood', async (t) => {
  const { keeper, port } = await serve(t)
  const peer = await Peer.connect(port)
  const wire = Buffer.concat([
    encodeControlPdu(associateRequest()),
    storePdus({ dataSet: Buffer.from('data'), SOPInstanceUID: '1.2' }),
    encodeControlPdu({ type: PduType.ReleaseRequest }),
  ])
  for (const byte of wire) {
    peer.send(Buffer.of(byte))
    await new Promise(setImmediate)
  }
  t.match(await peer.next(), { type: PduType.AssociateAccept })
  t.equal(await peer.status(), Status.success)
  t.match(await peer.next(), { type: PduType.ReleaseResponse })
  t.equal(keeper.stored[0]?.bytes, 4)
})

t.test('messages sent without waiting are answered one after the other', async (t) => {
  const { keeper, port } = await serve(t)
  const peer = await Peer.associated(port)
  const objects = Array.from({ length: 20 }, (_, n) => Buffer.alloc(3000, n))
  peer.send(
    Buffer.concat(
      objects.map((dataSet, n) => storePdus({ dataSet, SOPInstanceUID: '1.2', MessageID: n })),
    ),
  )
  for (let n = 0; n < 20; n++) {
    t.match(await peer.next(), { command: { MessageIDBeingRespondedTo: n, Status: 0 } })
  }
  t.same(
    keeper.stored.map(({ sha256 }) => sha256),
    objects.map(digest),
  )
  await peer.release()
  t.same(keeper.log, ['started', 'released'])
})

t.test('while an answer is worked on, the sender is not read', async (t) => {
  const { keeper, port } = await serve(t)
  let go = (): void => undefined
  keeper.answerWhen = new Promise((resolve) => (go = resolve))
  const peer = await Peer.associated(port)
  peer.send(storePdus({ dataSet: Buffer.from('first'), SOPInstanceUID: '1.2' }))
  // Much more than sockets buffer: it can only get stuck.
  const much = Buffer.alloc(64 << 20)
  peer.send(storePdus({ dataSet: much, SOPInstanceUID: '1.3', MessageID: 2 }))
  let before = -1
  while (before !== peer.socket.writableLength) {
    before = peer.socket.writableLength
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  t.ok(before > 32 << 20, 'the rest is still with the sender')
  t.equal(keeper.stored.length, 0)
  go()
  t.equal(await peer.status(), Status.success)
  t.equal(await peer.status(), Status.success)
  t.equal(keeper.stored[1]?.sha256, digest(much))
  peer.socket.destroy()
})

t.test('a consumer that needs time to be there loses nothing', async (t) => {
  const { keeper, port } = await serve(t)
  let go = (): void => undefined
  keeper.ready = new Promise((resolve) => (go = resolve))
  keeper.slowStart = true
  const peer = await Peer.associated(port)
  const dataSet = Buffer.alloc(300_000, 'x')
  peer.send(storePdus({ dataSet, SOPInstanceUID: '1.2' }))
  setImmediate(go)
  t.equal(await peer.status(), Status.success)
  t.equal(keeper.stored[0]?.sha256, digest(dataSet))
  peer.socket.destroy()
})

t.test('a peer that does not read its answers is not read either', async (t) => {
  const { port, server } = await serve(t)
  const peer = await Peer.associated(port)
  peer.socket.pause()
  const echo = commandPdus(echoRequest(1), 3)
  const many = Buffer.concat(Array.from({ length: 2000 }, () => echo))
  let asked = 0
  while (asked < 400 && peer.socket.writableLength < 8 << 20) {
    peer.send(many)
    asked++
    await new Promise(setImmediate)
  }
  t.ok(asked < 400, 'the requests stay with the sender')
  t.equal(server.associations, 1)
  peer.socket.destroy()
})

t.test('what is not DICOM, or not now, is answered by A-ABORT with the reason', async (t) => {
  const { port } = await serve(t)
  const rq = encodeControlPdu(associateRequest())
  const data = dataPdus(Buffer.from('x'))
  const release = encodeControlPdu({ type: PduType.ReleaseRequest })
  const command = commandPdus(storeRequest({ MessageID: 1, SOPClassUID: '1', SOPInstanceUID: '1' }))
  const before: [string, Buffer, number][] = [
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n'), AbortReason.unrecognizedPdu],
    [
      'a TLS ClientHello',
      Buffer.from('160301020001000001fc0303', 'hex'),
      AbortReason.unrecognizedPdu,
    ],
    ['data before the association', data, AbortReason.unexpectedPdu],
    ['a release before the association', release, AbortReason.unexpectedPdu],
    [
      'a request of 4 GiB',
      Buffer.from('0100ffffffff', 'hex'),
      AbortReason.invalidPduParameterValue,
    ],
    [
      'a request cut short',
      Buffer.from('0100000000020001', 'hex'),
      AbortReason.invalidPduParameterValue,
    ],
  ]
  for (const [what, bytes, reason] of before) {
    const peer = await Peer.connect(port)
    peer.send(bytes)
    t.same(await peer.next(), abort(reason), what)
    t.equal(await peer.next(), 'closed', what)
  }
  const after: [string, Buffer, number, number?][] = [
    ['a second request', rq, AbortReason.unexpectedPdu],
    [
      'an acceptance',
      encodeControlPdu({
        ...associateRequest(),
        type: PduType.AssociateAccept,
        presentationContexts: [],
      }),
      AbortReason.unexpectedPdu,
    ],
    [
      'a release response',
      encodeControlPdu({ type: PduType.ReleaseResponse }),
      AbortReason.unexpectedPdu,
    ],
    ['an unknown PDU', Buffer.from('0a0000000000', 'hex'), AbortReason.unrecognizedPdu],
    ['a data set without command', data, AbortReason.invalidPduParameterValue],
    [
      'a command in a context that was not accepted',
      commandPdus(echoRequest(1), 77),
      AbortReason.invalidPduParameterValue,
    ],
    [
      'a command where the data set is due',
      Buffer.concat([command, command]),
      AbortReason.invalidPduParameterValue,
    ],
    [
      'a data set in another context',
      Buffer.concat([command, dataPdus(Buffer.from('x'), 3)]),
      AbortReason.invalidPduParameterValue,
    ],
    [
      'a PDU longer than announced',
      Buffer.from('040000004001', 'hex'),
      AbortReason.invalidPduParameterValue,
    ],
    ['a PDU of 4 GiB', Buffer.from('0400ffffffff', 'hex'), AbortReason.invalidPduParameterValue],
    ['a release within a message', Buffer.concat([command, release]), AbortReason.unexpectedPdu],
    [
      'a command set that is none',
      Buffer.from('04000000000a0000000601030000000100', 'hex').subarray(0, 16),
      AbortReason.notSpecified,
      0,
    ],
    [
      'a response to nothing',
      commandPdus({ ...echoRequest(1), CommandField: CommandField.CEchoResponse }, 3),
      AbortReason.notSpecified,
      0,
    ],
  ]
  for (const [what, bytes, reason, source] of after) {
    const peer = await Peer.associated(port)
    peer.send(bytes)
    t.same(await peer.next(), abort(reason, source), what)
    t.equal(await peer.next(), 'closed', what)
  }
})

t.test('an association that ends within a data set abandons it', async (t) => {
  const { keeper, port } = await serve(t)
  const command = storeRequest({ MessageID: 1, SOPClassUID: '1', SOPInstanceUID: '1.2' })
  const firstPdu = dataPdus(Buffer.alloc(40_000)).subarray(0, 16_012)
  const half = Buffer.concat([commandPdus(command), firstPdu])
  for (const end of ['abort', 'reset'] as const) {
    const peer = await Peer.associated(port)
    const arrived = new Promise<void>((resolve) => (keeper.onBytes = resolve))
    peer.send(half)
    await arrived
    if (end === 'abort') peer.send(abort(0, 0))
    else peer.socket.resetAndDestroy()
    await peer.next()
  }
  while (keeper.abandoned < 2) await new Promise(setImmediate)
  t.equal(keeper.stored.length, 0)
  t.same(keeper.log, ['started', 'aborted', 'started', 'closed'])
})

t.test(
  'REL-01: while a consumer asks to wait nothing is read, no time runs, and nothing is lost',
  async (t) => {
    const { keeper, port } = await serve(t, { idleMs: 1000 })
    const peer = await Peer.associated(port)
    const dataSet = Buffer.alloc(8_000_000, 7)
    let proceed = (): void => undefined
    keeper.congestion = new Promise((resolve) => (proceed = resolve))
    let reads = 0
    const arrived = new Promise<void>((resolve) => {
      keeper.onBytes = () => {
        reads++
        resolve()
      }
    })
    peer.send(storePdus({ dataSet, SOPInstanceUID: '1.2' }))
    await arrived
    // As many reads as one turn of the loop makes, and then none.
    await new Promise(setImmediate)
    const atRest = reads
    await new Promise((resolve) => setTimeout(resolve, 200))
    t.equal(reads, atRest)
    t.same(keeper.log, ['started'], 'the sender is not the one that is slow')
    keeper.congestion = undefined
    proceed()
    t.equal(await peer.status(), Status.success)
    t.match(keeper.stored, [{ bytes: dataSet.length }])
    peer.socket.destroy()
  },
)

t.test('whoever connects and says nothing is let go, and whoever drips, too', async (t) => {
  const { keeper, port } = await serve(t, { handshakeMs: 80 })
  const silent = await Peer.connect(port)
  const dripping = await Peer.connect(port)
  const request = encodeControlPdu(associateRequest())
  let at = 0
  const drip = setInterval(() => {
    dripping.send(request.subarray(at, ++at))
  }, 10)
  t.teardown(() => {
    clearInterval(drip)
  })
  t.equal(await silent.next(), 'closed')
  t.ok(at < request.length, 'bytes were still coming')
  t.equal(await dripping.next(), 'closed')
  t.match(keeper.log, [/no association request in time/, /no association request in time/])
})

t.test('an association in which nothing happens is aborted', async (t) => {
  const { keeper, port } = await serve(t, { idleMs: 80 })
  const peer = await Peer.associated(port)
  t.match(await peer.next(), { type: PduType.Abort })
  t.same(keeper.log, ['started', 'timeout'])
})

t.test('beyond the limit of connections the oldest silent one makes room', async (t) => {
  const { port } = await serve(t, { maxConnections: 3 })
  const established = await Peer.associated(port)
  const silent = await Peer.connect(port)
  await Peer.connect(port).then((peer) => t.teardown(() => peer.socket.destroy()))
  const last = await Peer.associated(port)
  t.equal(await silent.next(), 'closed')
  established.send(commandPdus(echoRequest(1), 3))
  t.equal(await established.status(), Status.success)
  established.socket.destroy()
  last.socket.destroy()
})

t.test('a burst of connections does not get past the limit', async (t) => {
  const { server, port } = await serve(t, { maxConnections: 4 })
  let closed = 0
  const burst = Array.from({ length: 60 }, () => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.on('close', () => closed++)
    return socket.resume()
  })
  while (closed < 56) await new Promise((resolve) => setTimeout(resolve, 5))
  t.equal(server.connections, 4)
  for (const socket of burst) socket.destroy()
})

t.test('stopping ends the object in hand, and aborts who has none', async (t) => {
  const { keeper, server, port } = await serve(t)
  const idle = await Peer.associated(port)
  const busy = await Peer.associated(port)
  const wire = storePdus({ dataSet: Buffer.alloc(40_000), SOPInstanceUID: '1.2' })
  const arrived = new Promise<void>((resolve) => (keeper.onBytes = resolve))
  busy.send(wire.subarray(0, 30_000))
  await arrived
  const stopped = server.stop(60_000)
  t.match(await idle.next(), { type: PduType.Abort, source: 0 })
  busy.send(wire.subarray(30_000))
  t.equal(await busy.status(), Status.success)
  t.match(await busy.next(), { type: PduType.Abort })
  await stopped
  t.equal(keeper.stored.length, 1)
})

t.test('what does not end in time is cut off when stopping', async (t) => {
  const { server, port, keeper } = await serve(t)
  const peer = await Peer.associated(port)
  const arrived = new Promise<void>((resolve) => (keeper.onBytes = resolve))
  peer.send(storePdus({ dataSet: Buffer.alloc(40_000), SOPInstanceUID: '1' }).subarray(0, 30_000))
  await arrived
  await server.stop(20)
  t.equal(await peer.next(), 'closed')
  t.equal(keeper.abandoned, 1)
})

t.test('a port that is taken is said so', async (t) => {
  const { port, keeper } = await serve(t)
  await t.rejects(
    DicomServer.listen(keeper, keeper, {
      port,
      host: '127.0.0.1',
      maxPduBytes: 16384,
      idleMs: 1000,
      handshakeMs: 1000,
    }),
    { code: 'E_PORT_IN_USE', message: `port ${String(port)} is in use`, exitCode: 69 },
  )
})

t.test('thousands of connections that come and go leave nothing behind', async (t) => {
  const { server, port } = await serve(t)
  for (let n = 0; n < 1000; n++) {
    const peer = await Peer.connect(port)
    if (n % 3 === 0) peer.send(Buffer.from('GET /'))
    else if (n % 3 === 1) peer.send(encodeControlPdu(associateRequest()))
    peer.socket.resetAndDestroy()
    await once(peer.socket, 'close')
  }
  while (server.connections > 0) await new Promise(setImmediate)
  t.equal(server.associations, 0)
})

t.test('a mistake of ours ends the association that met it, and no other', async (t) => {
  const keeper = new (class extends Keeper {
    override associate(request: Parameters<ServiceProvider['associate']>[0]) {
      if (request.callingAETitle === 'BUG') throw new TypeError('bug 1')
      return super.associate(request)
    }
    override perform(operation: Operation) {
      if (operation.command.MessageID === 2) throw new TypeError('bug 2')
      return super.perform(operation)
    }
  })()
  const { port } = await serve(t, {}, keeper)
  const other = await Peer.associated(port)
  const early = await Peer.connect(port)
  early.send(encodeControlPdu(associateRequest({ callingAETitle: 'BUG' })))
  t.same(await early.next(), abort(0, 0))
  t.equal(await early.next(), 'closed')
  const late = await Peer.associated(port)
  late.send(commandPdus(echoRequest(2), 3))
  t.same(await late.next(), abort(0, 0))
  other.send(commandPdus(echoRequest(1), 3))
  t.equal(await other.status(), Status.success)
  t.match(
    keeper.log.filter((line) => line.startsWith('failed')),
    [/bug 1/, /bug 2/],
  )
  await other.release()
})
