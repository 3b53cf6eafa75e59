import fc from 'fast-check'
import t from 'tap'
import {
  PduType,
  Status,
  echoRequest,
  encodeCommandSet,
  encodeControlPdu,
  storeRequest,
} from '../../src/lib/dimse/index.ts'
import { digest, serve } from './keeper.ts'
import { Peer, associateRequest, commandPdus, storePdus } from './peer.ts'

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
