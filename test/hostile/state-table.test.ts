// PS3.8 table 9-10 against the running receiver: every PDU and the end of the connection, in every state that
// an acceptor can be in. Its states 3 and 8 (waiting for the local answer) pass at once here, except that an
// object which is being stored holds the association in 6 while nothing is read.
import t from 'tap'
import { ctElements, dataSetBytes } from '../fixtures/dicom-writer.ts'
import {
  OddClient,
  type Reply,
  abortPdu,
  associateRq,
  echoPdu,
  goodEcho,
  pdu,
  pduType,
  releaseRp,
  releaseRq,
  storePdus,
} from '../fixtures/odd-client.ts'
import { Scp } from '../tools/scp.ts'

const events: Readonly<Record<string, Buffer>> = {
  'A-ASSOCIATE-RQ': associateRq(),
  'A-ASSOCIATE-AC': associateRq({ type: pduType.ac }),
  'A-ASSOCIATE-RJ': pdu(pduType.rj, Buffer.of(0, 1, 1, 1)),
  'P-DATA-TF': echoPdu(),
  'A-RELEASE-RQ': releaseRq,
  'A-RELEASE-RP': releaseRp,
  'A-ABORT': abortPdu,
  'an invalid PDU': pdu(0x63, Buffer.alloc(4)),
}

/** What the peer sees: the types of the PDUs that come, and that the connection ends. */
type Seen = readonly (number | 'closed')[]
const abort: Seen = [pduType.abort, 'closed']
const closed: Seen = ['closed']

/** By state, the action of the table by event, and how it shows. */
const expected: Readonly<Record<string, Readonly<Record<string, readonly [string, Seen]>>>> = {
  'Sta2, awaiting A-ASSOCIATE-RQ': {
    'A-ASSOCIATE-RQ': ['AE-6', [pduType.ac]],
    'A-ASSOCIATE-AC': ['AA-1', abort],
    'A-ASSOCIATE-RJ': ['AA-1', abort],
    'P-DATA-TF': ['AA-1', abort],
    'A-RELEASE-RQ': ['AA-1', abort],
    'A-RELEASE-RP': ['AA-1', abort],
    'A-ABORT': ['AA-2', closed],
    'an invalid PDU': ['AA-1', abort],
  },
  'Sta6, established': {
    'A-ASSOCIATE-RQ': ['AA-8', abort],
    'A-ASSOCIATE-AC': ['AA-8', abort],
    'A-ASSOCIATE-RJ': ['AA-8', abort],
    'P-DATA-TF': ['DT-2', [pduType.data]],
    'A-RELEASE-RQ': ['AR-2', [pduType.releaseRp, 'closed']],
    'A-RELEASE-RP': ['AA-8', abort],
    'A-ABORT': ['AA-3', closed],
    'an invalid PDU': ['AA-8', abort],
  },
  'Sta6, an object being stored': {
    'A-ASSOCIATE-RQ': ['AA-8', [pduType.data, ...abort]],
    'A-ASSOCIATE-AC': ['AA-8', [pduType.data, ...abort]],
    'A-ASSOCIATE-RJ': ['AA-8', [pduType.data, ...abort]],
    'P-DATA-TF': ['DT-2', [pduType.data, pduType.data]],
    'A-RELEASE-RQ': ['AR-2', [pduType.data, pduType.releaseRp, 'closed']],
    'A-RELEASE-RP': ['AA-8', [pduType.data, ...abort]],
    'A-ABORT': ['AA-3', [pduType.data, 'closed']],
    'an invalid PDU': ['AA-8', [pduType.data, ...abort]],
  },
  // Behind its last word the receiver has shut its side of the connection: AA-6 ignores what comes, and the
  // A-ABORT that AA-7 asks for could not go out any more. The peer has seen the end instead.
  'Sta13, awaiting the end, behind a release': Object.fromEntries(
    Object.keys(events).map((event) => [event, ['AA-2, AA-6, AA-7', closed]]),
  ),
  'Sta13, awaiting the end, behind a rejection': Object.fromEntries(
    Object.keys(events).map((event) => [event, ['AA-2, AA-6, AA-7', closed]]),
  ),
  'Sta13, awaiting the end, behind an abort of ours': Object.fromEntries(
    Object.keys(events).map((event) => [event, ['AA-2, AA-6, AA-7', closed]]),
  ),
}

const object = storePdus({
  SOPInstanceUID: '2.25.30011',
  dataSet: dataSetBytes(ctElements({ rows: 64, columns: 64 })),
})
/** Brings a new connection into a state. The last word is awaited, so that the event comes behind it. */
const into: Readonly<Record<string, (client: OddClient) => Promise<unknown>>> = {
  'Sta2, awaiting A-ASSOCIATE-RQ': async () => undefined,
  'Sta6, established': (client) => said(client, associateRq()),
  'Sta6, an object being stored': async (client) => {
    await said(client, associateRq())
    client.send(object)
  },
  'Sta13, awaiting the end, behind a release': async (client) => {
    await said(client, associateRq())
    await said(client, releaseRq)
  },
  'Sta13, awaiting the end, behind a rejection': (client) =>
    said(client, associateRq({ version: 2 })),
  'Sta13, awaiting the end, behind an abort of ours': (client) => said(client, releaseRp),
}

async function said(client: OddClient, bytes: Buffer): Promise<Reply> {
  client.send(bytes)
  return client.next()
}

/** As many as are expected; one more would show as the first of the next. */
async function seenBy(client: OddClient, count: number): Promise<Seen> {
  const seen: (number | 'closed')[] = []
  while (seen.length < count) {
    const reply = await client.next()
    seen.push(reply === 'closed' ? 'closed' : reply.type)
    if (reply === 'closed') break
  }
  return seen
}

for (const [state, cells] of Object.entries(expected)) {
  t.test(`${state}: each event does what table 9-10 says`, async (t) => {
    const scp = await Scp.start(t)
    for (const [event, [action, seen]] of Object.entries(cells)) {
      const client = await OddClient.connect(scp.port)
      // Half open: what is sent behind the last word of the receiver must still get there.
      client.socket.allowHalfOpen = true
      await into[state]?.(client)
      client.send(events[event] ?? Buffer.alloc(0))
      if (seen.at(-1) === 'closed') client.socket.end()
      t.same(await seenBy(client, seen.length), seen, `${event}: ${action}`)
      if (seen.at(-1) !== 'closed') await client.release()
    }
    // The end of the connection: AA-5, AA-4, AR-5. Nothing to see but that the receiver goes on.
    for (const end of ['FIN', 'RST'] as const) {
      const client = await OddClient.connect(scp.port)
      await into[state]?.(client)
      if (end === 'FIN') client.socket.end()
      else client.socket.resetAndDestroy()
      await client.rest()
      t.equal(await goodEcho(scp.port), 0, `${end}: AA-4, AA-5 or AR-5`)
    }
    await scp.tidy()
    t.equal(
      scp.log.some(({ msg }) => msg.startsWith('internal error')),
      false,
    )
  })
}

t.test('ARTIM expires in Sta2 and in Sta13: the connection is closed', async (t) => {
  const scp = await Scp.start(t, { args: ['--idle-seconds', '0.3'] })
  const silent = await OddClient.connect(scp.port)
  t.equal(await silent.next(), 'closed', 'Sta2: AA-2')
  const lingering = await OddClient.connect(scp.port)
  lingering.socket.allowHalfOpen = true
  await said(lingering, associateRq({ version: 2 }))
  const stay = setInterval(() => {
    lingering.send(Buffer.alloc(100))
  }, 20)
  t.teardown(() => {
    clearInterval(stay)
  })
  t.equal(await lingering.next(), 'closed', 'Sta13: AA-2')
})
