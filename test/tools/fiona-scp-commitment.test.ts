import { once } from 'node:events'
import { readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  type Context,
  Field,
  RawListener,
  RawPeer,
  requestBytes,
  untilReleased,
  implicit,
  COMMITMENT,
} from '../commitment/raw-peer.ts'
import { CT_IMAGE_STORAGE, ctElements, dataSetBytes } from '../fixtures/dicom-writer.ts'
import { freePort, missing, run } from '../fixtures/peers.ts'
import { temporaryOfEnded } from '../fixtures/temporary-of-ended.ts'
import { Scp, newDataDir } from './scp.ts'

const both: readonly Context[] = [
  { id: 1, abstractSyntax: COMMITMENT, transferSyntax: implicit },
  { id: 3, abstractSyntax: CT_IMAGE_STORAGE, transferSyntax: implicit },
]
const uidOf = (number: number) => `2.25.3001${String(number)}`
const ct = (number: number) => [CT_IMAGE_STORAGE, uidOf(number)] as const

/** C-STORE of a small CT, numbered. */
async function store(peer: RawPeer, ...numbers: readonly number[]): Promise<void> {
  for (const number of numbers) {
    const dataSet = dataSetBytes(ctElements({ instanceNumber: number }), { explicitVR: false })
    const status = await peer.store(3, CT_IMAGE_STORAGE, uidOf(number), dataSet)
    if (status !== 0) throw new Error(`C-STORE: ${status.toString(16)}`)
  }
}

/** A configuration that says where MODALITY listens. */
function configured(t: Test, receiver: unknown, more: object = {}): readonly string[] {
  const path = join(t.testdir(), 'fiona.json')
  writeFileSync(path, JSON.stringify({ receiver, ...more }))
  return ['--config', path]
}

async function listener(t: Test, options: Parameters<typeof RawListener.listen>[0] = {}) {
  const listening = await RawListener.listen(options)
  t.teardown(() => {
    listening.close()
  })
  return listening
}

/** A sequence of undefined length and an item in it, implicit VR; as often as repeated, as deep. */
const nestedItem = Buffer.from('08009911fffffffffeff00e0ffffffff', 'hex')

const waitingIn = (dataDir: string): string[] => {
  try {
    return readdirSync(join(dataDir, 'commitment')).filter((name) => name.endsWith('.request'))
  } catch {
    return []
  }
}

t.test('objects that are stored are committed, on the association of the request', async (t) => {
  const scp = await Scp.start(t)
  const peer = await RawPeer.associated(scp.port, { contexts: both })
  await store(peer, 1, 2)
  t.equal(await peer.asked(requestBytes('2.25.77', [ct(1), ct(2)])), 0)
  const report = await peer.report()
  t.match(report, { eventType: 1, TransactionUID: '2.25.77', committed: [uidOf(1), uidOf(2)] })
  t.same(report.failed, {})
  t.equal(report.message.contextId, 1)
  t.equal(report.message.command.get(Field.affectedClass), COMMITMENT)
  t.equal(report.message.command.get(Field.affectedInstance), '1.2.840.10008.1.20.1.1')
  t.equal(waitingIn(scp.dataDir).length, 1, 'kept until the peer has said that it has the report')
  peer.answer(report.message)
  t.match(await scp.logged('storage commitment reported'), { transaction: '2.25.77', failed: 0 })
  // The association goes on as if nothing had been.
  await store(peer, 3)
  t.equal(await peer.asked(requestBytes('2.25.78', [ct(3)])), 0)
  const second = await peer.report()
  t.same(second.committed, [uidOf(3)])
  // An answer may have a data set (an event reply) of which we want nothing.
  peer.answer(second.message, 0, Buffer.alloc(8))
  await store(peer, 4)
  await peer.release()
  t.same(await scp.end('SIGTERM'), 0)
  t.same(waitingIn(scp.dataDir), [])
})

t.test('what is missing, of another class or damaged is told apart', async (t) => {
  const scp = await Scp.start(t)
  const peer = await RawPeer.associated(scp.port, { contexts: both })
  await store(peer, 1, 2, 3, 4)
  const path = (number: number): string =>
    scp.records.find(({ SOPInstanceUID }) => SOPInstanceUID === uidOf(number))?.path ?? ''
  await scp.recorded(4)
  truncateSync(path(2), readFileSync(path(2)).length - 10)
  writeFileSync(path(4), 'not DICOM at all')
  const MR = '1.2.840.10008.5.1.4.1.1.4'
  t.equal(await peer.asked(requestBytes('2.25.1', [ct(1), ct(2), [MR, uidOf(3)], ct(4), ct(9)])), 0)
  const { message, ...report } = await peer.report()
  t.same(report, {
    eventType: 2,
    TransactionUID: '2.25.1',
    committed: [uidOf(1)],
    failed: { [uidOf(2)]: 0x0110, [uidOf(3)]: 0x0119, [uidOf(4)]: 0x0110, [uidOf(9)]: 0x0112 },
  })
  peer.answer(message)
  t.match(await scp.logged('storage commitment reported'), {
    failed: 4,
    reasons: { '0x0110': 2, '0x0112': 1, '0x0119': 1 },
  })
  rmSync(path(1))
  t.equal(await peer.asked(requestBytes('2.25.2', [ct(1)])), 0)
  t.same((await peer.report()).failed, { [uidOf(1)]: 0x0112 }, 'a file that was removed')
  await peer.release()
})

t.test('only what lies in the project that the peer sends to is committed', async (t) => {
  const projects = { P: { match: { callingAET: '^P' } } }
  const scp = await Scp.start(t, { args: configured(t, {}, { projects }) })
  const ofProject = await RawPeer.associated(scp.port, { contexts: both, callingAET: 'P1' })
  await store(ofProject, 1)
  const other = await RawPeer.associated(scp.port, { contexts: both })
  await store(other, 2)
  const request = requestBytes('2.25.1', [ct(1), ct(2)])
  t.equal(await ofProject.asked(request), 0)
  t.match(await ofProject.report(), { committed: [uidOf(1)], failed: { [uidOf(2)]: 0x0112 } })
  t.equal(await other.asked(request), 0)
  t.match(await other.report(), { committed: [uidOf(2)], failed: { [uidOf(1)]: 0x0112 } })
  ofProject.socket.destroy()
  other.socket.destroy()
})

t.test(
  'SEC-03, SEC-04, SEC-10, SEC-14: a request that is none is refused with its reason, and the association goes on',
  async (t) => {
    const scp = await Scp.start(t)
    const peer = await RawPeer.associated(scp.port, { contexts: both })
    await store(peer, 1)
    const good = requestBytes('2.25.5', [ct(1)])
    const cases: readonly [string, Buffer | undefined, [number, string | number][], number][] = [
      ['no data set', undefined, [], 0x0115],
      ['no reference', requestBytes('2.25.5', []), [], 0x0115],
      ['a hostile Transaction UID', requestBytes('../../../etc/passwd', [ct(1)]), [], 0x0115],
      ['an endless Transaction UID', requestBytes('1.'.repeat(40) + '1', [ct(1)]), [], 0x0115],
      [
        'a hostile instance',
        requestBytes('2.25.5', [ct(1), [CT_IMAGE_STORAGE, '../x']]),
        [],
        0x0115,
      ],
      ['no class', requestBytes('2.25.5', [['', uidOf(1)]]), [], 0x0115],
      ['damaged', good.subarray(0, -3), [], 0x0115],
      ['sequences 20,000 deep', Buffer.alloc(20_000 * 16, nestedItem), [], 0x0213],
      ['another action', good, [[Field.actionType, 2]], 0x0123],
      ['another class', good, [[Field.requestedClass, '1.2.840.10008.1.20.2']], 0x0118],
      ['another instance', good, [[Field.requestedInstance, '2.25.4']], 0x0112],
    ]
    for (const [what, dataSet, changes, status] of cases) {
      t.equal(await peer.asked(dataSet, changes), status, what)
    }
    const tooMany = requestBytes(
      '2.25.6',
      Array.from({ length: 100_001 }, (_, n) => ['1.2', `1.${String(n)}`] as const),
    )
    t.equal(await peer.asked(tooMany), 0x0213, 'too many objects')
    peer.ask(Buffer.alloc(25 << 20))
    const tooLong = await peer.message()
    t.equal(tooLong.command.get(Field.status), 0x0213, 'too many bytes')
    peer.ask(good, [[Field.command, 0x0140]])
    const create = await peer.message()
    t.equal(create.command.get(Field.status), 0x0211, 'N-CREATE')
    t.same(waitingIn(scp.dataDir), [])
    t.equal(await peer.asked(good), 0)
    t.same((await peer.report()).committed, [uidOf(1)])
    peer.socket.destroy()
  },
)

t.test('whoever releases at once hears of it on an association that we open', async (t) => {
  const listening = await listener(t)
  const peers = { MODALITY: { host: '127.0.0.1', port: listening.port } }
  const scp = await Scp.start(t, { args: configured(t, { peers }) })
  const peer = await RawPeer.associated(scp.port, { contexts: both })
  await store(peer, 1)
  t.equal(await peer.asked(requestBytes('2.25.9', [ct(1), ct(2)])), 0)
  await peer.release()
  const association = await listening.next()
  t.match(association, { callingAET: 'FIONA', calledAET: 'MODALITY' })
  t.same(association.roles.get(COMMITMENT), [0, 1], 'we are the SCP although we open it')
  const report = await association.peer.report()
  t.match(report, { eventType: 2, committed: [uidOf(1)], failed: { [uidOf(2)]: 0x0112 } })
  association.peer.answer(report.message)
  await untilReleased(association)
  await scp.logged('storage commitment reported')
  t.same(await scp.end('SIGTERM'), 0)
  t.same(waitingIn(scp.dataDir), [])
})

t.test('a report that was not answered comes again, on an association of ours', async (t) => {
  for (const roles of ['omit', 'repeat'] as const) {
    const listening = await listener(t, { roles })
    const peers = { MODALITY: { host: '127.0.0.1', port: listening.port } }
    const scp = await Scp.start(t, { args: configured(t, { peers }) })
    const peer = await RawPeer.associated(scp.port, { contexts: both })
    await store(peer, 1)
    t.equal(await peer.asked(requestBytes('2.25.9', [ct(1)])), 0)
    const unanswered = await peer.report()
    if (roles === 'omit') peer.socket.destroy()
    else peer.answer(unanswered.message, 0x0110)
    const association = await listening.next()
    const report = await association.peer.report()
    t.same(report.committed, [uidOf(1)], roles)
    association.peer.answer(report.message)
    await untilReleased(association)
    await scp.logged('storage commitment reported')
    peer.socket.destroy()
    await scp.end('SIGTERM')
    t.same(waitingIn(scp.dataDir), [])
  }
})

t.test('a peer that was away, or did not know us, hears of it later', async (t) => {
  const port = await freePort()
  const peers = { MODALITY: { host: '127.0.0.1', port } }
  const scp = await Scp.start(t, { args: configured(t, { peers }) })
  const peer = await RawPeer.associated(scp.port, { contexts: both })
  await store(peer, 1)
  t.equal(await peer.asked(requestBytes('2.25.9', [ct(1)])), 0)
  await peer.release()
  const failed = await scp.logged('storage commitment not reported yet')
  t.match(failed, { code: 'E_CONNECT', transaction: '2.25.9' })
  t.match(failed['reason'], /is it running/)
  const listening = await listener(t, { port })
  const association = await listening.next()
  const report = await association.peer.report()
  t.same(report.committed, [uidOf(1)])
  association.peer.answer(report.message)
  await untilReleased(association)
  await scp.logged('storage commitment reported')
})

t.test('a peer that will not have us as SCP is not sent anything', async (t) => {
  const listening = await listener(t, { roles: 'refuse' })
  const peers = { MODALITY: { host: '127.0.0.1', port: listening.port } }
  const scp = await Scp.start(t, { args: configured(t, { peers }) })
  const peer = await RawPeer.associated(scp.port, { contexts: both })
  t.equal(await peer.asked(requestBytes('2.25.9', [ct(1)])), 0)
  await peer.release()
  await untilReleased(await listening.next())
  t.match(await scp.logged('storage commitment not reported yet'), { code: 'E_COMMITMENT_REFUSED' })
  t.equal(waitingIn(scp.dataDir).length, 1)
})

t.test('killed between request and report, it reports after the next start', async (t) => {
  const dataDir = newDataDir(t)
  const listening = await listener(t)
  const peers = { MODALITY: { host: '127.0.0.1', port: listening.port } }
  const args = configured(t, { peers })
  const scp = await Scp.start(t, { dataDir, args: [...args, '--journal', 'received'] })
  const peer = await RawPeer.associated(scp.port, { contexts: both })
  await store(peer, 1)
  t.equal(await peer.asked(requestBytes('2.25.9', [ct(1), ct(2)])), 0)
  await scp.end('SIGKILL')
  t.equal(waitingIn(dataDir).length, 1)
  // What a kill in the middle of writing leaves, and what somebody else put there.
  const folder = join(dataDir, 'commitment')
  writeFileSync(join(folder, temporaryOfEnded()), 'half of a requ')
  writeFileSync(join(folder, 'x.request'), '{"v":1}\n1.2 ../../etc/passwd\n')
  const next = await Scp.start(t, { dataDir, args: [...args, '--journal', 'received'] })
  const association = await listening.next()
  const report = await association.peer.report()
  t.match(report, { eventType: 2, TransactionUID: '2.25.9', committed: [uidOf(1)] })
  t.same(report.failed, { [uidOf(2)]: 0x0112 })
  association.peer.answer(report.message)
  await untilReleased(association)
  await next.logged('storage commitment reported')
  await next.logged('no request for storage commitment')
  t.equal(await next.end('SIGTERM'), 0)
  t.same(readdirSync(folder), ['x.request'], 'what is not ours is left alone')
})

t.test('an object that is still on its way in another association is waited for', async (t) => {
  const scp = await Scp.start(t)
  const asker = await RawPeer.associated(scp.port)
  const sender = await RawPeer.associated(scp.port, { contexts: both })
  t.equal(await asker.asked(requestBytes('2.25.9', [ct(1), ct(2)])), 0)
  await store(sender, 1, 2)
  const report = await asker.report()
  t.match(report, { eventType: 1, committed: [uidOf(1), uidOf(2)] })
  asker.answer(report.message)
  await asker.release()
  await sender.release()
})

t.test('operations of the peer go on while a report waits for its answer', async (t) => {
  const scp = await Scp.start(t)
  const peer = await RawPeer.associated(scp.port, { contexts: both })
  await store(peer, 1)
  t.equal(await peer.asked(requestBytes('2.25.9', [ct(1)])), 0)
  const report = await peer.report()
  t.same(report.committed, [uidOf(1)])
  // The peer may begin operations before it answers ours.
  await store(peer, 2, 3)
  peer.answer(report.message)
  await scp.logged('storage commitment reported')
  await store(peer, 401)
  await peer.release()
})

t.test(
  'a Transaction UID in use for other objects is a duplicate, the same request is not',
  async (t) => {
    const listening = await listener(t, { isClosed: true })
    const peers = { MODALITY: { host: '127.0.0.1', port: listening.port } }
    const scp = await Scp.start(t, { args: configured(t, { peers }) })
    const first = await RawPeer.associated(scp.port, { contexts: both })
    await store(first, 1, 2)
    t.equal(await first.asked(requestBytes('2.25.9', [ct(1)])), 0)
    await first.release()
    await scp.logged('storage commitment not reported yet')
    const second = await RawPeer.associated(scp.port)
    t.equal(await second.asked(requestBytes('2.25.9', [ct(2)])), 0)
    const duplicate = await second.report()
    t.match(duplicate, { eventType: 2, committed: [], failed: { [uidOf(2)]: 0x0131 } })
    second.answer(duplicate.message)
    t.equal(await second.asked(requestBytes('2.25.9', [ct(1)])), 0)
    const again = await second.report()
    t.match(again, { eventType: 1, committed: [uidOf(1)] }, 'the first one, where it can be heard')
    second.answer(again.message)
    await second.release()
    t.equal(await scp.end('SIGTERM'), 0)
    t.same(waitingIn(scp.dataDir), [])
  },
)

t.test('a response to nothing that we asked ends the association', async (t) => {
  const scp = await Scp.start(t)
  const peer = await RawPeer.associated(scp.port)
  peer.send(1, [
    [Field.command, 0x8100],
    [Field.respondedTo, 1],
    [Field.status, 0],
  ])
  const heard = await peer.next()
  t.match(heard, { pdu: 7 })
  await once(peer.socket, 'close')
})

t.test('requests that wait are limited, for each address', async (t) => {
  const scp = await Scp.start(t, { args: configured(t, { peers: { A: { host: 'x', port: 1 } } }) })
  const peer = await RawPeer.associated(scp.port)
  // No report is answered: they all wait.
  const statuses: number[] = []
  for (let n = 0; n <= 200; n++) {
    peer.ask(requestBytes(`2.25.${String(n + 100)}`, [ct(1)]))
    let { command } = await peer.message()
    // A report came between; it stays without answer.
    if (command.get(Field.command) === 0x0100) command = (await peer.message()).command
    statuses.push(Number(command.get(Field.status)))
  }
  t.equal(statuses.at(-1), 0x0213)
  t.equal(statuses.filter((status) => status === 0).length, 200)
  t.equal(waitingIn(scp.dataDir).length, 200)
  peer.socket.destroy()
})

t.test(
  'a receiver that takes only TLS reports by TLS, under its own certificate',
  { skip: missing('openssl') },
  async (t) => {
    const folder = t.testdir()
    const made = async (name: string, host: string) => {
      const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)]
      const subject = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`]
      const how = ['-x509', '-days', '2', '-nodes', '-newkey', 'rsa:2048']
      await run('openssl', ['req', ...how, ...subject, '-keyout', key, '-out', cert])
      return { key: readFileSync(key), cert: readFileSync(cert) }
    }
    const [own, scanner] = [await made('fiona', 'fiona'), await made('scanner', 'localhost')]
    const mutual = { ...scanner, ca: own.cert, requestCert: true, rejectUnauthorized: true }
    const listening = await listener(t, { tls: mutual })
    const config = join(folder, 'fiona.json')
    const tls = { certFile: 'fiona.crt', keyFile: 'fiona.key', clientCaFile: 'scanner.crt' }
    const peers = { MODALITY: { host: 'localhost', port: listening.port } }
    writeFileSync(config, JSON.stringify({ receiver: { tls, peers } }))
    const scp = await Scp.start(t, { args: ['--config', config] })
    const client = { ...scanner, ca: own.cert, servername: 'fiona' }
    const peer = await RawPeer.associated(scp.port, { contexts: both, tls: client })
    await store(peer, 1)
    t.equal(await peer.asked(requestBytes('2.25.9', [ct(1)])), 0)
    await peer.release()
    const association = await listening.next()
    const report = await association.peer.report()
    t.same(report.committed, [uidOf(1)])
    association.peer.answer(report.message)
    await untilReleased(association)
    await scp.logged('storage commitment reported')
  },
)

t.test(
  'at the door of a project its objects are meant, at the common one the others',
  async (t) => {
    const port = await freePort()
    const projects = { ABCD: { receiver: { port } } }
    const scp = await Scp.start(t, { args: configured(t, {}, { projects }) })
    const ask = async (at: number, transaction: string) => {
      const peer = await RawPeer.associated(at, { contexts: both })
      if (at === port) await store(peer, 1)
      t.equal(await peer.asked(requestBytes(transaction, [ct(1)])), 0)
      const report = await peer.report()
      peer.answer(report.message)
      await peer.release()
      return report
    }
    t.match(await ask(port, '2.25.81'), { eventType: 1, committed: [uidOf(1)] })
    t.match(await ask(scp.port, '2.25.82'), { eventType: 2, failed: { [uidOf(1)]: 0x0112 } })
  },
)
