import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import {
  Commitment,
  type CommitmentOptions,
  type Patience,
  peerAddresses,
} from '../../src/lib/commitment/index.ts'
import { ReferenceList } from '../../src/lib/commitment/reference-list.ts'
import { WaitingRequests } from '../../src/lib/commitment/waiting-requests.ts'
import { loadConfig } from '../../src/lib/config/index.ts'
import { Intake, type RecordSink } from '../../src/lib/intake/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { MemoryTransactions } from '../../src/lib/transaction/index.ts'
import { freePort } from '../fixtures/peers.ts'
import { RawListener, untilReleased } from './raw-peer.ts'

const limits = { requests: 10, requestsOfOneAddress: 10, instances: 10 }
const requester = { callingAET: 'MODALITY', calledAET: 'CALLED', address: '127.0.0.1' }
const reference = { SOPClassUID: '1.2.3', SOPInstanceUID: '2.25.1' }
const quick: Patience = { firstPauseMs: 1, longestPauseMs: 20, giveUpMs: 3_600_000 }

/** A data directory with a request in it, and what goes on with it. */
async function setUp(
  t: Test,
  options: {
    port: number
    patience?: Patience
    time?: Date
    sink?: RecordSink
    transactions?: readonly string[]
  },
) {
  const dataDir = t.testdir()
  const earlier = await WaitingRequests.open(dataDir, limits, () => undefined)
  const time = (options.time ?? new Date()).toISOString()
  for (const transaction of options.transactions ?? ['2.25.9']) {
    await earlier.add(requester, transaction, ReferenceList.from([reference]), time)
  }
  const records: AnyRecord[] = []
  const lines: { msg: string; againInSeconds?: number }[] = []
  let changed = (): void => undefined
  const settings: CommitmentOptions = {
    dataDir,
    durability: 'fsync',
    asked: new MemoryTransactions(),
    intake: new Intake({ dataDir, projects: {} }),
    sink: options.sink ?? {
      put: async (record) => {
        records.push(record)
      },
      close: async () => undefined,
    },
    log: pino(
      { base: null },
      {
        write: (line: string) => {
          lines.push(JSON.parse(line) as { msg: string })
          changed()
        },
      },
    ),
    addressOf: () => ({ host: '127.0.0.1', port: options.port }),
    patience: options.patience ?? quick,
  }
  const commitment = await Commitment.open(settings)
  t.teardown(() => commitment.close())
  commitment.start()
  return {
    commitment,
    records,
    lines,
    waiting: () => readdirSync(join(dataDir, 'commitment')),
    logged: async (msg: string, count = 1): Promise<void> => {
      while (lines.filter((line) => line.msg === msg).length < count) {
        await new Promise<void>((resolve) => (changed = resolve))
      }
    },
  }
}

t.test('tries go on, further and further apart, until the peer is there', async (t) => {
  const port = await freePort()
  const { lines, logged, waiting, commitment, records } = await setUp(t, { port })
  await logged('storage commitment not reported yet', 7)
  const pauses = lines.flatMap(({ againInSeconds }) => againInSeconds ?? [])
  t.same(pauses.slice(0, 7), [0.001, 0.002, 0.004, 0.008, 0.016, 0.02, 0.02])
  const listening = await RawListener.listen({ port })
  t.teardown(() => {
    listening.close()
  })
  const association = await listening.next()
  t.match(association, { callingAET: 'CALLED', calledAET: 'MODALITY' })
  const report = await association.peer.report()
  t.match(report, { eventType: 2, TransactionUID: '2.25.9', failed: { '2.25.1': 0x0112 } })
  association.peer.answer(report.message)
  await untilReleased(association)
  await logged('storage commitment reported')
  await commitment.close()
  t.same(waiting(), [])
  t.same(records, [])
})

t.test('a peer has one association of ours at a time', async (t) => {
  const transactions = ['2.25.1', '2.25.2', '2.25.3', '2.25.4', '2.25.5']
  const listening = await RawListener.listen()
  t.teardown(() => {
    listening.close()
  })
  const { logged } = await setUp(t, { port: listening.port, transactions })
  const reported: string[] = []
  for (let n = 0; n < transactions.length; n++) {
    const association = await listening.next()
    const report = await association.peer.report()
    t.equal(listening.untaken, 0)
    reported.push(report.TransactionUID)
    association.peer.answer(report.message)
    await untilReleased(association)
  }
  await logged('storage commitment reported', transactions.length)
  t.same(reported.sort(), transactions)
})

t.test('what nobody takes is given up in the end, and a record tells of it', async (t) => {
  const port = await freePort()
  const time = new Date(Date.now() - quick.giveUpMs)
  const { records, logged, commitment, waiting } = await setUp(t, { port, time })
  await logged('storage commitment given up')
  await commitment.close()
  t.equal(records.length, 1)
  t.match(records[0], {
    type: 'error',
    tool: 'fiona-scp',
    code: 'E_COMMITMENT_UNREPORTED',
    message: /receiver\.peers/,
    retryable: false,
    record: { type: 'commitment', TransactionUID: '2.25.9', ...requester, instances: 1 },
  })
  t.same(waiting(), [])
})

t.test('where no record can be written, the request stays for the next start', async (t) => {
  const port = await freePort()
  const time = new Date(Date.now() - quick.giveUpMs)
  const sink: RecordSink = {
    put: () => Promise.reject(new Error('EPIPE')),
    close: async () => undefined,
  }
  const { logged, commitment, waiting } = await setUp(t, { port, time, sink })
  await logged('storage commitment given up')
  await commitment.close()
  t.equal(waiting().length, 1)
})

t.test('a pause, and a peer that does not answer, end when it is closed', async (t) => {
  const pausing = await setUp(t, {
    port: await freePort(),
    patience: { ...quick, firstPauseMs: 3_600_000, longestPauseMs: 3_600_000 },
  })
  await pausing.logged('storage commitment not reported yet')
  await pausing.commitment.close()
  t.equal(pausing.waiting().length, 1)
  const listening = await RawListener.listen()
  t.teardown(() => {
    listening.close()
  })
  const silent = await setUp(t, { port: listening.port })
  const { peer } = await listening.next()
  await peer.report()
  await silent.commitment.close()
  t.match(await peer.next(), { pdu: 7 }, 'we say that we go')
  t.equal(silent.waiting().length, 1)
})

t.test('where a peer listens', async (t) => {
  const path = t.testdir({
    'fiona.json': JSON.stringify({
      receiver: {
        tls: { certFile: 'tls.crt', keyFile: 'tls.key', clientCaFile: 'ca.crt' },
        peerPort: 11112,
        peers: {
          PLAIN: { host: 'plain.example.org', port: 104, tls: false },
          NAMED: { host: 'named.example.org', port: 2762 },
        },
      },
    }),
  })
  const secure = {
    certFile: join(path, 'tls.crt'),
    keyFile: join(path, 'tls.key'),
    caFile: join(path, 'ca.crt'),
  }
  const addressOf = peerAddresses(await loadConfig(join(path, 'fiona.json')))
  const of = (callingAET: string) => addressOf({ ...requester, callingAET })
  t.same(of('PLAIN'), { host: 'plain.example.org', port: 104 })
  t.same(of('NAMED'), { host: 'named.example.org', port: 2762, tls: secure })
  t.same(of('OTHER'), { host: '127.0.0.1', port: 11112, tls: secure })
  t.same(of('constructor'), { host: '127.0.0.1', port: 11112, tls: secure })
  const usual = peerAddresses(await loadConfig(undefined))
  t.same(usual(requester), { host: '127.0.0.1', port: 104 })
})
