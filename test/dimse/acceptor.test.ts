import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import {
  AbortReason,
  CommandField,
  DicomServer,
  type Operation,
  PduType,
  type ServiceProvider,
  Status,
  echoRequest,
  encodeControlPdu,
  storeRequest,
} from '../../src/lib/dimse/index.ts'
import { Keeper, serve } from './keeper.ts'
import { Peer, associateRequest, commandPdus, dataPdus, storePdus } from './peer.ts'

const abort = (reason: number, source = 2) => ({ type: PduType.Abort, source, reason })

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

t.test('whoever aborts is not heard any more, whatever else it had sent at once', async (t) => {
  const { keeper, server, port } = await serve(t)
  const peer = await Peer.associated(port)
  const request = encodeControlPdu(associateRequest())
  peer.send(
    Buffer.concat([encodeControlPdu({ type: PduType.Abort, source: 0, reason: 0 }), request]),
  )
  t.equal(await peer.next(), 'closed')
  while (server.connections > 0) await new Promise(setImmediate)
  t.same(keeper.log, ['started', 'aborted'])
})
