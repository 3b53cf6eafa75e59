import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parseRecord, type AnyRecord } from '../../src/lib/record/index.ts'
import { CommitmentPeer, type CommitmentPeerOptions } from '../deliver/commitment-peer.ts'
import { Orthanc, Sending, configuration, send } from '../deliver/sending.ts'
import { makeStudy, temporary } from '../deliver/studies.ts'
import { freePort, missing } from '../fixtures/peers.ts'
import { Scp } from './scp.ts'

const transfers = ({ records }: { records: readonly AnyRecord[] }) =>
  records.filter(({ type }) => type === 'transfer')
const errors = ({ records }: { records: readonly AnyRecord[] }) =>
  records.filter(({ type }) => type === 'error')
const isTransfer = (record: AnyRecord) => record.type === 'transfer'

async function peer(t: Test, options: CommitmentPeerOptions = {}): Promise<CommitmentPeer> {
  const one = await CommitmentPeer.listen(options)
  t.teardown(() => one.close())
  return one
}

/** A configuration with one destination, to which the project of the studies goes. */
const site = (url: string, commitment: object, dataDir = temporary()) =>
  configuration({
    dataDir,
    projects: { ABCD: { destinations: ['research'] } },
    destinations: {
      research: {
        url,
        verify: 'commitment',
        commitment,
        retry: { max: 2, delaySeconds: 0.05, multiplier: 1 },
      },
    },
  })

const openIn = (dataDir: string, folder: 'asked' | 'reported') =>
  readdirSync(join(dataDir, 'transactions', folder)).filter((name) => name.endsWith('.json'))

t.test('our own receiver commits itself on the association of the question', async (t) => {
  const scp = await Scp.start(t)
  const dataDir = temporary()
  const url = `dicom://FIONA@127.0.0.1:${String(scp.port)}`
  const args = ['--destination', url, '--verify', 'commitment']
  const study = makeStudy({ objects: 5, series: 2 })
  const sent = await send([...args, '--data-dir', dataDir], [study.record])
  t.equal(sent.code, 0, sent.stderr)
  t.match(transfers(sent), [
    { status: 'sent', instances: { sent: 5, failed: 0 }, attempts: 1, committed: true },
  ])
  t.match(transfers(sent), [{ verified: true }])
  t.doesNotThrow(() => parseRecord(transfers(sent)[0]))
  t.same(openIn(dataDir, 'asked'), [])
  t.same(openIn(dataDir, 'reported'), [])
  const again = await send([...args, '--data-dir', dataDir], [study.record])
  t.match(transfers(again), [{ instances: { sent: 0, sentBefore: 5 }, committed: true }])
  t.equal(
    scp.log.filter(({ msg }) => msg === 'storage commitment requested').length,
    1,
    'what is committed is not asked about again',
  )
  const byHand = await send(args, [study.record])
  t.match(transfers(byHand), [{ committed: true }], 'without a data directory, too')
})

t.test(
  'Orthanc reports to a port of ours, or to the receiver of the same site',
  { skip: missing('Orthanc') },
  async (t) => {
    const dataDir = temporary()
    const scp = await Scp.start(t, { dataDir })
    const port = await freePort()
    const orthanc = await Orthanc.start({
      DicomModalities: {
        hand: ['HAND', '127.0.0.1', port],
        site: ['FIONA', '127.0.0.1', scp.port],
      },
    })
    t.teardown(() => orthanc.stop())
    const ways = [
      ['--calling-aet', 'HAND', '--report-port', String(port)],
      ['--data-dir', dataDir],
    ]
    const args = ['--destination', orthanc.url, '--verify', 'commitment']
    await Promise.all(
      ways.map(async (way) => {
        const sent = await send([...args, ...way], [makeStudy({ objects: 4 }).record])
        t.equal(sent.code, 0, sent.stderr)
        t.match(
          transfers(sent),
          [{ status: 'sent', committed: true, verified: true }],
          way.join(' '),
        )
      }),
    )
    await scp.logged('a report of storage commitment came')
    t.same(openIn(dataDir, 'reported'), [])
  },
)

t.test('what it says it does not have is sent again, and asked about again', async (t) => {
  const scp = await peer(t, {
    asked: (number, { instances }) =>
      number === 1
        ? { failed: { [instances[1] ?? '']: 0x0112 }, silentAbout: [instances[2] ?? ''] }
        : {},
  })
  const study = makeStudy({ objects: 4 })
  const sent = await send(['--config', site(scp.url, { waitSeconds: 20 })], [study.record])
  t.match(transfers(sent), [{ status: 'sent', instances: { sent: 4 }, committed: true }])
  t.equal(sent.code, 0, sent.stderr)
  t.equal(scp.stored.length, 6)
  t.same(
    scp.questions.map(({ instances }) => instances.length),
    [4, 2],
  )
  t.same(scp.answers, [0, 0])
})

t.test('what it will never commit itself to is listed, and counts as delivered', async (t) => {
  const scp = await peer(t, {
    asked: (_, { instances }) => ({ failed: { [instances[0] ?? '']: 0x0122 } }),
  })
  const study = makeStudy({ objects: 3 })
  const sent = await send(['--config', site(scp.url, {})], [study.record])
  t.equal(sent.code, 1)
  t.match(transfers(sent), [
    {
      status: 'sent',
      instances: { sent: 3, failed: 0 },
      committed: false,
      verified: false,
      uncommitted: [{ code: 'E_NOT_COMMITTED', message: /0x0122/ }],
    },
  ])
  t.match(errors(sent), [{ code: 'E_NOT_COMMITTED', retryable: false, record: study.record }])
  t.equal(scp.stored.length, 3, 'nothing is sent twice')
})

t.test('what is missing there in spite of every try is not called sent', async (t) => {
  const scp = await peer(t, {
    asked: (_, { instances }) => ({
      failed: Object.fromEntries(instances.map((uid) => [uid, 0x0112])),
    }),
  })
  const study = makeStudy({ objects: 2 })
  const sent = await send(['--config', site(scp.url, {})], [study.record])
  t.equal(sent.code, 1)
  t.match(transfers(sent), [
    { status: 'refused', instances: { sent: 0, failed: 2 }, committed: false, verified: false },
  ])
  t.match(errors(sent), [{ code: 'E_NOT_COMMITTED', retryable: true }])
})

t.test('a report that never comes: asked again, then sent but not committed', async (t) => {
  const scp = await peer(t, { asked: () => 'nothing' })
  const other = await peer(t)
  const dataDir = temporary()
  const study = makeStudy({ objects: 2 })
  const config = site(scp.url, { waitSeconds: 0.3, asks: 2 }, dataDir)
  const sent = await send(['--config', config], [study.record])
  t.equal(sent.code, 1)
  t.match(transfers(sent), [
    { status: 'sent', instances: { sent: 2, failed: 0 }, committed: false, verified: false },
  ])
  t.match(errors(sent), [{ code: 'E_NO_REPORT', message: /all 2 objects were delivered/ }])
  t.equal(scp.questions.length, 2)
  t.not(scp.questions[0]?.transaction, scp.questions[1]?.transaction)
  t.same(openIn(dataDir, 'asked'), [])
  t.equal(other.questions.length, 0)
})

t.test('a destination that does not offer it is asked once', async (t) => {
  const scp = await peer(t, { offers: false })
  const sent = await send(
    ['--destination', scp.url, '--verify', 'commitment'],
    [makeStudy({ objects: 2 }).record],
  )
  t.match(transfers(sent), [{ status: 'sent', attempts: 1, committed: false }])
  t.match(errors(sent), [{ code: 'E_NOT_COMMITTED', message: /does not offer/ }])
  const refusing = await peer(t, { asked: (number) => (number === 1 ? 0x0213 : {}) })
  const later = await send(['--config', site(refusing.url, {})], [makeStudy({ objects: 2 }).record])
  t.match(transfers(later), [{ status: 'sent', attempts: 2, committed: true }], later.stderr)
})

t.test('killed while it waits for a report, it hears it after the restart', async (t) => {
  const dataDir = temporary()
  const port = await freePort()
  const scp = await peer(t, { asked: () => 'nothing' })
  const study = makeStudy({ objects: 3 })
  const next = makeStudy({ objects: 1 })
  const config = site(scp.url, { waitSeconds: 60, port }, dataDir)
  const env = { FIONA_STAGE: 'deliver' }
  const first = new Sending(['--config', config], env)
  first.write(study.record, next.record)
  // The study that waits for its report holds up no other.
  while (first.stderr.split('storage commitment was asked for').length < 3) {
    await new Promise((resolve) => first.child.stderr?.once('data', resolve))
  }
  await first.kill('SIGKILL')
  const second = new Sending(['--config', config], env)
  t.teardown(() => second.child.kill('SIGKILL'))
  while (!second.stderr.includes('listening for reports')) {
    await new Promise((resolve) => second.child.stderr?.once('data', resolve))
  }
  const [asked, askedNext] = scp.questions
  if (asked === undefined || askedNext === undefined) throw new Error('not asked')
  t.equal(await scp.report(port, asked), 0)
  t.match(await second.until(isTransfer), {
    requestId: study.record['requestId'],
    status: 'sent',
    instances: { sent: 0, sentBefore: 3 },
    committed: true,
  })
  t.equal(await scp.report(port, asked), 0, 'whoever did not hear our answer hears it again')
  const unknown = { transaction: '2.25.77', instances: asked.instances }
  t.equal(await scp.report(port, unknown), 0x0115, 'nobody else is believed')
  t.equal(await scp.report(port, askedNext), 0)
  t.match(await second.until(isTransfer), { requestId: next.record['requestId'], committed: true })
  t.equal(await second.kill('SIGTERM'), 0)
  t.equal(scp.stored.length, 4)
  t.equal(scp.questions.length, 2)
  t.same(openIn(dataDir, 'asked'), [])
})

t.test('killed at any point of the question, it comes to the same end', async (t) => {
  for (const point of [
    'transaction.begun',
    'transaction.asked',
    'transaction.reported',
    'transaction.ending',
    'ledger.committed',
  ]) {
    const dataDir = temporary()
    const scp = await peer(t)
    const study = makeStudy({ objects: 3 })
    const config = site(scp.url, { waitSeconds: 20 }, dataDir)
    const killed = await send(['--config', config], [study.record], { FIONA_FAULT_POINT: point })
    t.equal(killed.code, null, point)
    const again = await send(['--config', config], [])
    t.match(transfers(again), [{ status: 'sent', committed: true, verified: true }], point)
    t.equal(scp.stored.length, 3, `${point}: nothing is sent twice`)
    t.same(openIn(dataDir, 'asked'), [], point)
    t.same(openIn(dataDir, 'reported'), [], point)
  }
})

t.test('what cannot be asked is refused at start', async (t) => {
  const folder = await send(['--destination', `file:${temporary()}`, '--verify', 'commitment'], [])
  t.equal(folder.code, 64)
  t.match(folder.stderr, /a folder cannot be asked for storage commitment/)
})
