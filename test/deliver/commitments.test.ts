// The questions of deliveries, and a destination in this process that answers them.
import pino from 'pino'
import t, { type Test } from 'tap'
import { CommitmentLine } from '../../src/lib/deliver/verify/commitment-line.ts'
import { Commitments, type CommitmentState } from '../../src/lib/deliver/verify/commitments.ts'
import { DiskTransactions, MemoryTransactions } from '../../src/lib/transaction/index.ts'
import { CommitmentPeer, type CommitmentPeerOptions } from './commitment-peer.ts'
import { temporary } from './studies.ts'

const objects = (count: number) =>
  Array.from({ length: count }, (_, n) => ({
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.2',
    SOPInstanceUID: `2.25.4${String(n)}`,
    sha256: 'a'.repeat(64),
  }))

/** Asks a peer, and looks until nothing is open. */
async function asking(
  t: Test,
  options: CommitmentPeerOptions,
  transactions = new MemoryTransactions(),
) {
  const peer = await CommitmentPeer.listen(options)
  const target = { host: '127.0.0.1', port: peer.port, calledAETitle: 'PEER' }
  const line = new CommitmentLine({
    peer: { ...target, callingAETitle: 'FIONA', timeoutSeconds: 10 },
    transactions,
  })
  const clock = { now: 0 }
  const commitments = new Commitments({
    transactions,
    owner: 'test',
    now: () => clock.now,
    log: pino({ enabled: false }),
  })
  let reported = (): void => undefined
  await commitments.start(
    [],
    () => undefined,
    () => {
      reported()
    },
  )
  t.teardown(async () => {
    await line.close()
    await commitments.close()
    await peer.close()
  })
  const policy = { waitSeconds: 60, asks: 2 }
  const about = { destination: 'X', policy, line, signal: new AbortController().signal }
  const look = (asked = objects(1)): Promise<CommitmentState> =>
    commitments.look('study', asked, about)
  const afterReport = (): Promise<void> => new Promise((resolve) => (reported = resolve))
  return { peer, commitments, clock, look, afterReport }
}

t.test('more objects than one question takes are asked about in portions', async (t) => {
  const { peer, look, afterReport } = await asking(t, {})
  const all = objects(2001)
  let state = await look(all)
  t.equal(state.asked, 3)
  while (state.committed.size < all.length) {
    await afterReport()
    state = await look(all)
  }
  t.equal(state.asked, 0)
  t.equal(state.until, undefined)
  t.same(
    peer.questions.map(({ instances }) => instances.length),
    [1000, 1000, 1],
  )
})

t.test('silence: asked again when the time is over, and no oftener than that', async (t) => {
  const { peer, look, clock } = await asking(t, { asked: () => 'nothing' })
  t.match(await look(), { asked: 1, until: 60_000, unanswered: 0 })
  clock.now = 59_000
  t.match(await look(), { asked: 0, until: 60_000 })
  clock.now = 60_000
  t.match(await look(), { asked: 1, until: 120_000 })
  clock.now = 121_000
  t.match(await look(), { asked: 0, until: undefined, unanswered: 1 })
  t.equal(peer.questions.length, 2)
})

t.test('a late report to the first of two questions counts', async (t) => {
  const transactions = new MemoryTransactions()
  const { peer, look, clock } = await asking(t, { asked: () => 'nothing' }, transactions)
  await look()
  clock.now = 60_000
  await look()
  const [first] = await transactions.open('test')
  if (first === undefined) throw new Error('none is open')
  const committed = first.objects.map(({ SOPInstanceUID }) => SOPInstanceUID)
  await transactions.report(first.TransactionUID, { time: '', committed, failed: [] })
  t.equal((await look()).committed.size, 1)
  t.equal(peer.questions.length, 2)
})

t.test('an answer about other bytes than were sent last is no answer', async (t) => {
  const { peer, look, afterReport } = await asking(t, {})
  await look()
  await afterReport()
  const [object] = objects(1)
  if (object === undefined) throw new Error('no object')
  const anew = [{ ...object, sha256: 'b'.repeat(64) }]
  t.match(await look(anew), { asked: 1, committed: new Set() })
  t.equal(peer.questions.length, 2)
})

t.test(
  'on disk, a damaged transaction is as good as none, and leaves nothing behind',
  async (t) => {
    const dataDir = temporary()
    const transactions = new DiskTransactions(dataDir)
    t.same(await transactions.open('x'), [])
    const { writeFileSync, existsSync } = await import('node:fs')
    const damaged = `${dataDir}/transactions/asked/2.25.1.json`
    writeFileSync(damaged, '{"half":')
    writeFileSync(`${dataDir}/transactions/reported/2.25.2.json`, '{}')
    t.same(await transactions.open('x'), [])
    t.notOk(existsSync(`${dataDir}/transactions/reported/2.25.2.json`), 'nobody asked for that')
  },
)
