import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parseRecord, type AnyRecord } from '../../src/lib/record/index.ts'
import { Orthanc, Sending, configuration, filesBelow, send, type Sent } from '../deliver/sending.ts'
import { makeStudy, studyIn, temporary, write, type Study } from '../deliver/studies.ts'
import { StoragePeer, type PeerOptions } from '../dimse/storage-peer.ts'
import { ctImage, el } from '../fixtures/dicom-writer.ts'
import { freePort, missing, run, start } from '../fixtures/peers.ts'

const transfers = ({ records }: { records: readonly AnyRecord[] }) =>
  records.filter(({ type }) => type === 'transfer')
const errors = ({ records }: { records: readonly AnyRecord[] }) =>
  records.filter(({ type }) => type === 'error')
const mark = (seq: number, committed = 0) => ({ type: 'mark', seq, committed })
const isMark = (seq: number) => (record: AnyRecord) =>
  record.type === 'mark' && record['seq'] === seq
const isTransfer = (record: AnyRecord) => record.type === 'transfer'

async function peer(t: Test, options: PeerOptions = {}): Promise<StoragePeer> {
  const one = await StoragePeer.listen(options)
  t.teardown(() => one.close())
  return one
}

/** The names a folder should have for a study, relative to it. */
const namesOf = ({ record, files }: Study, folder: string): string[] =>
  files
    .map((file) => join(folder, String(record['participant']), file.split('/').slice(-3).join('/')))
    .sort()

t.test('--help and the man page say what it does', async (t) => {
  const { code, stdout } = await run('fiona-send', ['--help'])
  t.equal(code, 0)
  t.match(stdout, /--destination/)
})

t.test('into a folder: the same bytes under safe names, and a transfer record', async (t) => {
  const folder = temporary()
  const study = makeStudy({ objects: 5, series: 2, participant: '../S 1' })
  const foreign = { type: 'weather', is: 'fine' }
  const sent = await send(['--destination', `file:${folder}`], [foreign, study.record, mark(1)])
  t.equal(sent.code, 0, sent.stderr)
  t.match(sent.records, [
    foreign,
    {
      type: 'transfer',
      status: 'sent',
      instances: { sent: 5, failed: 0 },
      destination: `file:${folder}`,
      requestId: study.record['requestId'],
      attempts: 1,
      committed: false,
      verified: false,
    },
    mark(1),
  ])
  t.doesNotThrow(() => parseRecord(sent.records[1]))
  const files = filesBelow(folder)
  t.equal(files.length, 5)
  for (const [index, path] of files.entries()) {
    t.ok(path.startsWith(`${folder}/%2E./`.replace('%2E./', '%2E.%2FS 1/')), path)
    t.ok(readFileSync(path).equals(readFileSync(study.files[index] ?? '')))
  }
})

t.test(
  'a folder that has the same file counts it as sent; another one there is kept',
  async (t) => {
    const folder = temporary()
    const study = makeStudy({ objects: 3 })
    const names = namesOf(study, folder)
    write(names[0] ?? '', readFileSync(study.files[0] ?? ''))
    write(names[1] ?? '', Buffer.from('what somebody else put there'))
    const sent = await send(['--destination', `file:${folder}`], [study.record])
    t.equal(sent.code, 1)
    t.match(transfers(sent), [{ status: 'partial', instances: { sent: 2, failed: 1 } }])
    t.match(transfers(sent)[0]?.['failures'], [{ code: 'E_CONFLICT' }])
    t.match(errors(sent), [{ code: 'E_CONFLICT', retryable: false, record: study.record }])
    t.equal(readFileSync(names[1] ?? '', 'utf8'), 'what somebody else put there')
    t.same(filesBelow(folder), names)
  },
)

t.test('a later revision brings what is new, and what was made anew', async (t) => {
  const folder = temporary()
  const args = ['--destination', `file:${folder}`, '--data-dir', temporary()]
  const study = makeStudy({ objects: 3 })
  t.match(transfers(await send(args, [study.record])), [{ instances: { sent: 3 } }])
  const [first = ''] = study.files
  const uid = String(study.record['StudyInstanceUID'])
  const image = (number: number, sopUID: string) =>
    ctImage({ studyUID: uid, seriesUID: `${uid}.1`, sopUID, instanceNumber: number })
  const changed = image(99, `${uid}.1.1`)
  write(first, changed)
  write(join(study.path, `${uid}.1`, `${uid}.1.4.dcm`), image(4, `${uid}.1.4`))
  const later = studyIn(study.path, uid, 'S001', { fields: { revision: 2 } })
  const again = await send(args, [later.record])
  t.match(transfers(again), [{ status: 'sent', instances: { sent: 2, failed: 0, sentBefore: 2 } }])
  t.equal(filesBelow(folder).length, 4)
  t.ok(readFileSync(namesOf(later, folder)[0] ?? '').equals(changed))
})

t.test('only what belongs to the study leaves its directory', async (t) => {
  const folder = temporary()
  const study = makeStudy({ objects: 2 })
  const uid = String(study.record['StudyInstanceUID'])
  const secret = join(temporary(), 'secret.dcm')
  write(secret, ctImage({ studyUID: uid, sopUID: '2.25.5' }))
  symlinkSync(secret, join(study.path, `${uid}.1`, '2.25.5.dcm'))
  symlinkSync(join(secret, '..'), join(study.path, 'link'))
  write(join(study.path, `${uid}.1`, '2.25.6.dcm'), ctImage({ studyUID: '2.25.66' }))
  write(join(study.path, `${uid}.1`, '.half.tmp'), Buffer.from('x'))
  write(join(study.path, `${uid}.1`, 'notes.txt'), Buffer.from('x'))
  const sent = await send(['--destination', `file:${folder}`], [study.record])
  t.match(transfers(sent), [{ status: 'partial', instances: { sent: 2, failed: 1 } }])
  t.match(errors(sent), [{ code: 'E_FOREIGN_OBJECT' }])
  t.same(filesBelow(folder), namesOf(study, folder))
})

t.test('records that lie about their directory become error records', async (t) => {
  const folder = temporary()
  const study = makeStudy({ objects: 2 })
  const gone = { ...study.record, requestId: 'gone', path: '/no/such/directory' }
  const fewer = { ...study.record, requestId: 'fewer', instances: 3 }
  const broken = { ...study.record, StudyInstanceUID: '../..' }
  const sent = await send(['--destination', `file:${folder}`], [gone, fewer, broken, study.record])
  t.equal(sent.code, 1)
  t.match(
    errors(sent).map(({ code }) => code),
    new Set(['E_STUDY_MISSING', 'E_FILES_MISSING', 'E_RECORD_INVALID']),
  )
  const byRequest = new Map(transfers(sent).map((one) => [one['requestId'], one]))
  t.match(byRequest.get('gone'), { status: 'refused', instances: { sent: 0, failed: 2 } })
  t.match(byRequest.get('fewer'), { status: 'partial', instances: { sent: 2, failed: 1 } })
  t.match(byRequest.get(study.record['requestId']), { status: 'sent' })
})

t.test(
  'Orthanc has every object, and a second run sends nothing',
  { skip: missing('Orthanc') },
  async (t) => {
    const orthanc = await Orthanc.start()
    t.teardown(() => orthanc.stop())
    const dataDir = temporary()
    const args = ['--destination', orthanc.url, '--data-dir', dataDir, '--verify', 'find']
    const studies = [makeStudy({ objects: 20, series: 3 }), makeStudy({ objects: 7 })]
    const records = studies.map(({ record }) => record)
    const first = await send(args, records)
    t.equal(first.code, 0, first.stderr)
    t.match(transfers(first), [
      { status: 'sent', instances: { sent: 20, failed: 0 }, verified: true },
      { status: 'sent', instances: { sent: 7, failed: 0 }, verified: true },
    ])
    t.equal((await orthanc.instances()).length, 27)
    const second = await send(args, records)
    t.match(transfers(second), [
      { status: 'sent', instances: { sent: 0, failed: 0, sentBefore: 20 } },
      { status: 'sent', instances: { sent: 0, failed: 0, sentBefore: 7 } },
    ])
    const wrongTitle = orthanc.url.replace('ORTHANC', 'WRONG')
    const refused = await send(['--destination', wrongTitle], [records[0]])
    t.equal(refused.code, 1)
    t.match(transfers(refused), [{ status: 'refused', attempts: 1 }], 'no other try')
    t.match(errors(refused), [
      { code: 'E_ASSOCIATION_REJECTED', message: /called AE title not recognized/ },
    ])
  },
)

t.test('storescp gets the data sets byte for byte', { skip: missing('storescp') }, async (t) => {
  const into = temporary()
  const port = await freePort()
  const scp = start('storescp', ['+B', '-pm', '-aet', 'SCP', '-od', into, String(port)])
  t.teardown(() => scp.kill())
  const study = makeStudy({ objects: 12, series: 2, rows: 200 })
  // storescp may not listen yet, and takes one association at a time.
  const sent = await send(
    ['--destination', `dicom://SCP@127.0.0.1:${String(port)}`, '--retries', '20'],
    [study.record],
  )
  t.match(transfers(sent), [{ status: 'sent', instances: { sent: 12, failed: 0 } }], sent.stderr)
  const there = filesBelow(into)
  t.equal(there.length, 12)
  for (const path of study.files) {
    const uid = /([^/]+)\.dcm$/.exec(path)?.[1] ?? ''
    const stored = readFileSync(there.find((name) => name.endsWith(`.${uid}`)) ?? '')
    const dataSet = readFileSync(path).subarray(-80_000)
    t.ok(stored.subarray(-80_000).equals(dataSet), uid)
  }
})

t.test(
  'a destination that is down is tried again, and gets everything when it is up',
  async (t) => {
    const port = await freePort()
    const study = makeStudy({ objects: 4 })
    const sending = new Sending([
      '--destination',
      `dicom://PEER@127.0.0.1:${String(port)}`,
      '--retries',
      '50',
    ])
    t.teardown(() => sending.child.kill('SIGKILL'))
    sending.write(study.record)
    sending.child.stdin?.end()
    while (!sending.stderr.includes('E_CONNECT')) await once(sending.child.stderr ?? t, 'data')
    const scp = await peer(t, { port })
    t.match(await sending.until(isTransfer), { status: 'sent', instances: { sent: 4 } })
    t.equal(await sending.exit, 0)
    t.equal(scp.distinct.size, 4)
  },
)

t.test(
  'nobody there: refused after the tries, and the record comes out to be replayed',
  async (t) => {
    const url = `dicom://PEER@127.0.0.1:${String(await freePort())}`
    const study = makeStudy({ objects: 2 })
    const sent = await send(['--destination', url, '--retries', '1'], [study.record])
    t.equal(sent.code, 1)
    t.match(transfers(sent), [
      { status: 'refused', instances: { sent: 0, failed: 2 }, attempts: 2 },
    ])
    t.match(errors(sent), [
      { tool: 'fiona-send', code: 'E_CONNECT', retryable: true, record: study.record },
    ])
  },
)

t.test(
  'a peer that dies in the middle gets the rest with the next try, nothing twice',
  async (t) => {
    const scp = await peer(t, { store: (number) => (number === 5 ? 'reset' : 0) })
    const study = makeStudy({ objects: 12 })
    const sent = await send(['--destination', scp.url, '--retries', '2'], [study.record])
    t.match(transfers(sent), [{ status: 'sent', instances: { sent: 12, failed: 0 }, attempts: 2 }])
    t.equal(scp.received.length, 12)
    t.equal(scp.distinct.size, 12)
  },
)

t.test('0xA700 for one object: only that one is sent again', async (t) => {
  const scp = await peer(t, { store: (number) => (number === 4 ? 0xa700 : 0) })
  const study = makeStudy({ objects: 9 })
  const sent = await send(['--destination', scp.url], [study.record])
  t.equal(sent.code, 0)
  t.match(transfers(sent), [{ status: 'sent', instances: { sent: 9, failed: 0 }, attempts: 2 }])
  t.equal(scp.received.length, 9)
})

t.test('a refusal for good is not repeated; warnings count as sent', async (t) => {
  const statuses = [0xb000, 0xa900, 0xb007, 0xc001, 0x0122]
  const scp = await peer(t, { store: (number) => statuses[number - 1] ?? 0 })
  const study = makeStudy({ objects: 6 })
  const sent = await send(['--destination', scp.url], [study.record])
  t.equal(sent.code, 1)
  t.match(transfers(sent), [{ status: 'partial', instances: { sent: 3, failed: 3 }, attempts: 1 }])
  const failures = transfers(sent)[0]?.['failures'] as AnyRecord[]
  // Several associations bring the study: which answer is heard first is open.
  t.match(failures.map(({ message }) => String(message)).sort(), [/0x0122/, /0xA900/, /0xC001/])
  t.match(errors(sent), [{ code: 'E_REFUSED', retryable: false }])
})

t.test('a peer out of resources is left alone, not fed the whole study', async (t) => {
  const scp = await peer(t, { store: () => 0xa700 })
  const study = makeStudy({ objects: 40 })
  const sent = await send(['--destination', scp.url, '--retries', '0'], [study.record])
  t.match(transfers(sent), [{ status: 'refused', instances: { sent: 0, failed: 40 } }])
  t.ok(scp.objects <= 6, `${String(scp.objects)} of 40 were brought`)
})

t.test('an object that the peer always dies of does not keep the others back', async (t) => {
  const poison = makeStudy({ objects: 6 })
  const uid = `${String(poison.record['StudyInstanceUID'])}.1.2`
  const scp = await peer(t, {
    store: (_, { AffectedSOPInstanceUID }) => (AffectedSOPInstanceUID === uid ? 'abort' : 0),
  })
  const sent = await send(['--destination', scp.url, '--retries', '1'], [poison.record])
  t.match(transfers(sent), [{ status: 'partial', instances: { sent: 5, failed: 1 } }])
  t.equal(scp.distinct.size, 5)
})

t.test('what the peer does not accept is told for those objects only', async (t) => {
  const study = makeStudy({ objects: 2 })
  const uid = String(study.record['StudyInstanceUID'])
  const other = '1.2.840.10008.5.1.4.1.1.4'
  write(
    join(study.path, `${uid}.1`, '2.25.9.dcm'),
    ctImage({ studyUID: uid, sopUID: '2.25.9', elements: [el(0x00080016, 'UI', other)] }),
  )
  const scp = await peer(t, { accepts: (abstractSyntax) => abstractSyntax !== other })
  const sent = await send(['--destination', scp.url], [{ ...study.record, instances: 3 }])
  t.match(transfers(sent), [{ status: 'partial', instances: { sent: 2, failed: 1 } }])
  t.match(errors(sent), [{ code: 'E_NOT_ACCEPTED', message: new RegExp(other) }])
})

t.test('what is converted is in the record, and a lost answer makes no duplicate', async (t) => {
  const implicit = '1.2.840.10008.1.2'
  const lost = new Set<string>()
  const scp = await peer(t, {
    accepts: (_, [transferSyntax]) => transferSyntax === implicit,
    store: (number, { AffectedSOPInstanceUID = '' }) => {
      if (number === 2) lost.add(AffectedSOPInstanceUID)
      return number === 2 ? 'reset' : lost.has(AffectedSOPInstanceUID) ? 0x0111 : 0
    },
  })
  const study = makeStudy({ objects: 3 })
  const sent = await send(['--destination', scp.url], [study.record])
  t.equal(sent.code, 0, sent.stderr)
  const [transfer] = transfers(sent)
  t.match(transfer, { status: 'sent', instances: { sent: 3, failed: 0 }, attempts: 2 })
  t.same(transfer?.['converted'], [{ from: '1.2.840.10008.1.2.1', to: implicit, instances: 3 }])
})

t.test('more kinds of objects than fit into one association go over several', async (t) => {
  const scp = await peer(t)
  const uid = '2.25.4040'
  const path = join(temporary(), 'S001', uid)
  for (let kind = 1; kind <= 150; kind++) {
    const sopUID = `${uid}.${String(kind)}`
    const elements = [el(0x00080016, 'UI', `1.2.3.4.${String(kind)}`)]
    write(join(path, `${uid}.0`, `${sopUID}.dcm`), ctImage({ studyUID: uid, sopUID, elements }))
  }
  const sent = await send(['--destination', scp.url], [studyIn(path, uid, 'S001').record])
  t.match(transfers(sent), [{ status: 'sent', instances: { sent: 150 } }])
  t.equal(scp.distinct.size, 150)
  for (const { presentationContexts } of scp.requests) t.ok(presentationContexts.length <= 128)
})

t.test('kill -9 in the middle: the next run completes it, and nothing comes twice', async (t) => {
  const dataDir = temporary()
  const study = makeStudy({ objects: 60 })
  const running: { sending?: Sending } = {}
  const scp = await peer(t, {
    store: (number) => {
      if (number !== 25) return 0
      running.sending?.child.kill('SIGKILL')
      return 'silence'
    },
  })
  const config = configuration({
    dataDir,
    projects: { ABCD: { destinations: ['research'] } },
    destinations: { research: { url: scp.url, concurrency: 1 } },
  })
  const sending = new Sending(['--config', config])
  running.sending = sending
  sending.write(study.record)
  await sending.exit
  t.equal(scp.distinct.size, 24)
  // Whoever died may or may not have noted the last answer: one object may come twice, not more.
  const again = await send(['--config', config], [])
  t.match(transfers(again), [{ status: 'sent', destination: 'research' }], again.stderr)
  t.equal(scp.distinct.size, 60)
  t.ok(scp.received.length <= 61, `${String(scp.received.length)} received`)
  const replayed = await send(['--config', config], [study.record])
  t.match(transfers(replayed), [{ instances: { sent: 0, failed: 0, sentBefore: 60 } }])
  t.same(filesBelow(join(dataDir, 'state/fiona-send/waiting')), [])
})

t.test('in a stage marks pass a destination that is down, and others are served', async (t) => {
  const up = await peer(t)
  const port = await freePort()
  const dataDir = temporary()
  const config = configuration({
    dataDir,
    projects: { UP: { destinations: ['up'] }, DOWN: { destinations: ['down'] } },
    destinations: {
      up: { url: up.url },
      down: { url: `dicom://PEER@127.0.0.1:${String(port)}`, retry: { delaySeconds: 600 } },
    },
  })
  const env = { FIONA_STAGE: 'deliver' }
  const waits = makeStudy({ project: 'DOWN' })
  const served = makeStudy({ project: 'UP' })
  const first = new Sending(['--config', config], env)
  first.write(waits.record, mark(1), served.record)
  await first.until(isMark(1))
  const delivered = await first.until(isTransfer)
  t.match(delivered, { destination: 'up', status: 'sent' })
  first.write(mark(2))
  await first.until(isMark(2))
  t.equal(await first.kill('SIGKILL'), null)

  // Said before mark 2, which nobody has confirmed: it is said again, and the other still waits.
  const second = new Sending(['--config', config], env)
  t.same(await second.until(isTransfer), delivered)
  second.write(served.record, mark(3, 2))
  second.write(mark(4, 3))
  await second.until(isMark(4))
  t.equal(second.said.filter(isTransfer).length, 1, 'its input, fed again, is not brought again')
  second.child.stdin?.end()
  t.equal(await second.exit, 0, second.stderr)

  const scp = await peer(t, { port })
  const third = new Sending(['--config', config], env)
  t.match(await third.until(isTransfer), { destination: 'down', status: 'sent' })
  t.equal(scp.distinct.size, 3)
  third.child.stdin?.end()
  await third.exit
})

t.test('SIGTERM: what was not delivered is kept, or comes out to be replayed', async (t) => {
  const url = `dicom://PEER@127.0.0.1:${String(await freePort())}`
  const study = makeStudy()
  const stop = async (args: readonly string[]): Promise<Sent> => {
    const sending = new Sending(['--destination', url, '--retries', '100', ...args])
    sending.write(study.record)
    while (!sending.stderr.includes('E_CONNECT')) await once(sending.child.stderr ?? t, 'data')
    const rest = sending.until(() => false).catch(() => undefined)
    const code = await sending.kill('SIGTERM')
    await rest
    return { code, records: sending.said, stderr: sending.stderr }
  }
  const forgetful = await stop([])
  t.equal(forgetful.code, 1)
  t.match(errors(forgetful), [{ code: 'E_STOPPED', retryable: true, record: study.record }])
  const dataDir = temporary()
  const durable = await stop(['--data-dir', dataDir])
  t.equal(durable.code, 0)
  t.same(durable.records, [])
  t.equal(filesBelow(join(dataDir, 'state/fiona-send/waiting/hand')).length, 1)
})

t.test('SIGTERM in the middle of a study: the object in hand is finished', async (t) => {
  const running: { sending?: Sending } = {}
  const scp = await peer(t, {
    store: (number) => {
      if (number === 3) running.sending?.child.kill('SIGTERM')
      return 0
    },
  })
  const dataDir = temporary()
  const study = makeStudy({ objects: 200 })
  const sending = new Sending(['--destination', scp.url, '--data-dir', dataDir])
  running.sending = sending
  sending.write(study.record)
  t.equal(await sending.exit, 0, sending.stderr)
  t.equal(scp.aborts, 0)
  const before = scp.received.length
  t.ok(before < 200)
  const again = await send(['--destination', scp.url, '--data-dir', dataDir], [])
  t.match(transfers(again), [{ instances: { sent: 200 - before, sentBefore: before } }])
  t.equal(scp.received.length, 200)
})

t.test('the project says where it goes; each destination has its own transfer', async (t) => {
  const scp = await peer(t)
  const folder = temporary()
  const config = configuration({
    projects: { ABCD: { destinations: ['pacs', 'disk'] }, EMPTY: {} },
    destinations: { pacs: { url: scp.url, callingAET: 'GATE' }, disk: { url: `file:${folder}` } },
  })
  const nowhere = makeStudy({ project: 'EMPTY' }).record
  const unknown = makeStudy({ project: '__proto__' }).record
  const sent = await send(['--config', config], [makeStudy().record, nowhere, unknown])
  t.equal(sent.code, 1)
  t.same(
    transfers(sent)
      .map(({ destination }) => destination)
      .sort(),
    ['disk', 'pacs'],
  )
  t.match(errors(sent), [
    { code: 'E_NO_DESTINATION', message: /projects\.EMPTY\.destinations/, record: nowhere },
    { code: 'E_NO_DESTINATION', record: unknown },
  ])
  t.equal(scp.requests[0]?.callingAETitle, 'GATE')
  t.equal(filesBelow(folder).length, 3)
  const named = await send(['--config', config, '--destination', 'disk'], [nowhere])
  t.match(transfers(named), [{ destination: 'disk', status: 'sent' }])
  t.equal(scp.objects, 3)
})

t.test('what cannot be done is refused at start', async (t) => {
  for (const [destination, words] of [
    ['https://pacs.example.org/dicom-web?x=1', /more than a path/],
    ['https://me:secret@pacs.example.org', /a secret in a URL/],
    ['sftp://host/path', /the user is missing/],
    ['sftp://me:secret@host/path', /a secret in a URL/],
    ['sftp://me@host/path', /privateKeyFile is missing/],
    ['dicom://127.0.0.1:4242', /called AE title is missing/],
    [
      'dicom://LONGER_THAN_SIXTEEN@host:1',
      /called AE title "LONG.*" has 19 characters, .* 1 to 16/,
    ],
    ['dicom://%01@host:1', /called AE title .* has a character that is not allowed/],
    ['dicom://A@host:99999', /no port/],
    ['dicom://A@host:1/../x', /no address/],
    ['nonsense', /is no destination/],
    ['file:', /folder is missing/],
    ['file://server/share', /another machine/],
  ] as const) {
    const { code, stderr } = await send(['--destination', destination], [])
    t.equal(code, 64, destination)
    t.match(stderr, /^error: --destination: /)
    t.match(stderr, words)
    t.match(stderr, /\nhint: /)
  }
  const folder = temporary()
  t.match(await send(['--destination', `file:${folder}`, '--calling-aet', 'A'.repeat(17)], []), {
    code: 64,
    stderr: /^error: --calling-aet: the calling AE title "A+" has 17 characters/,
  })
  const commitment = ['--destination', `file:${folder}`, '--verify', 'commitment']
  t.match(await send(commitment, []), { code: 64, stderr: /commitment/ })
  for (const [url, verify, words] of [
    ['https://pacs.example.org/#x', 'none', /destinations\.x: the address has more than a path/],
    ['https://host/x', 'commitment', /destinations\.x: a web service cannot be asked for storage/],
  ] as const) {
    const config = configuration({
      projects: { P: { destinations: ['x'] } },
      destinations: { x: { url, verify } },
    })
    t.match(await send(['--config', config], []), { code: 78, stderr: words })
  }
  const missingName = configuration({ projects: { P: { destinations: ['nowhere'] } } })
  t.match(await send(['--config', missingName], []), { code: 78, stderr: /"nowhere"/ })
})

t.test(
  'TLS: the peer must be who its certificate says',
  { skip: missing('openssl', 'storescp') },
  async (t) => {
    const directory = temporary()
    const into = join(directory, 'in')
    mkdirSync(into)
    const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
    const made = await run('openssl', [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert],
      ...['-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
    ])
    t.equal(made.code, 0, made.stderr)
    const port = await freePort()
    const scp = start('storescp', ['+tls', key, cert, '-ic', '-od', into, String(port)])
    t.teardown(() => scp.kill())
    const study = makeStudy()
    const to = (host: string, more: object) =>
      configuration({
        projects: { ABCD: { destinations: ['far'] } },
        destinations: {
          far: {
            url: `dicoms://SCP@${host}:${String(port)}`,
            concurrency: 1,
            retry: { max: 20, delaySeconds: 0.1, multiplier: 1 },
            ...more,
          },
        },
      })
    const good = await send(['--config', to('localhost', { caFile: cert })], [study.record])
    t.match(transfers(good), [{ status: 'sent', instances: { sent: 3 } }], good.stderr)
    t.equal(filesBelow(into).length, 3)
    const retry = { max: 0 }
    const stranger = await send(['--config', to('localhost', { retry })], [study.record])
    t.match(errors(stranger), [{ code: 'E_TLS', retryable: true }])
    const misnamed = await send(
      ['--config', to('127.0.0.1', { retry, caFile: cert })],
      [study.record],
    )
    t.match(errors(misnamed), [{ code: 'E_TLS' }])
  },
)

t.test('verify find: what the destination took and does not have is sent again', async (t) => {
  // A peer that answers C-STORE with success and finds nothing is caught.
  const scp = await peer(t)
  const study = makeStudy({ objects: 2 })
  const args = ['--destination', scp.url, '--verify', 'find', '--retries', '1']
  const sent = await send(args, [study.record])
  t.equal(sent.code, 1)
  t.match(errors(sent), [{ code: 'E_NOT_FOUND_THERE', retryable: true }])
  t.equal(scp.received.length, 4)
})

t.test('verify find: a destination that cannot be asked is told as not verified', async (t) => {
  const isFind = (abstractSyntax: string) => abstractSyntax.startsWith('1.2.840.10008.5.1.4.1.2.')
  const scp = await peer(t, { accepts: (abstractSyntax) => !isFind(abstractSyntax) })
  const study = makeStudy({ objects: 2 })
  const dataDir = temporary()
  const args = ['--destination', scp.url, '--verify', 'find', '--data-dir', dataDir]
  const sent = await send(args, [study.record])
  t.equal(sent.code, 1)
  t.match(transfers(sent), [{ status: 'sent', verified: false, instances: { sent: 2, failed: 0 } }])
  t.match(errors(sent), [
    {
      code: 'E_NOT_VERIFIED',
      retryable: false,
      message: /^all 2 objects were delivered .* could not be asked .* SOP class 1\.2\.840/,
      record: study.record,
    },
  ])
  t.match(sent.stderr, /"not verified, and no try will help"/)
  t.match(sent.stderr, /"delivered, but not verified"/)
  t.notMatch(sent.stderr, /"not delivered|"delivered"/)
  const again = await send(args, [study.record])
  t.match(transfers(again), [{ instances: { sent: 0, failed: 0, sentBefore: 2 } }])
  t.equal(scp.objects, 2, 'nothing goes twice')
})

t.test('what answers and is no DICOM service is called so', async (t) => {
  const greeting = (text: string) =>
    createTcpServer((socket) => {
      socket.on('error', () => undefined)
      socket.end(text)
    })
  const servers = [createHttpServer((_, answer) => answer.end()), greeting('SSH-2.0-Example\r\n')]
  for (const server of servers) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const url = `dicom://PEER@127.0.0.1:${String(port)}`
    const sent = await send(['--destination', url, '--retries', '0'], [makeStudy().record])
    server.close()
    t.match(errors(sent), [
      {
        code: 'E_DICOM_PROTOCOL',
        message: /what answers at PEER@127\.0\.0\.1:\d+ is not a DICOM service/,
      },
    ])
  }
})

t.test(
  'what is large waits for the window, visibly; what is small goes, high before low',
  async (t) => {
    const scp = await peer(t)
    const clock = (hours: number) =>
      new Date(Date.now() + hours * 3600_000).toTimeString().slice(0, 5)
    const to = (window: string) =>
      configuration({
        dataDir,
        projects: {
          ABCD: { destinations: ['night'] },
          URGENT: { destinations: ['night'], priority: 'high' },
        },
        destinations: { night: { url: scp.url, window, windowOverBytes: 1000 } },
      })
    const dataDir = temporary()
    const large = makeStudy({ fields: { bytes: 5000 } })
    const small = [
      makeStudy({ objects: 1, fields: { bytes: 500, priority: 'low' } }),
      makeStudy({ objects: 1, fields: { bytes: 500 } }),
      makeStudy({ objects: 1, project: 'URGENT', fields: { bytes: 500 } }),
    ]
    const env = { FIONA_STAGE: 'deliver' }
    const args = (window: string) => ['--config', to(window), '--log-level', 'info']
    const input = [large, ...small].map(({ record }) => record)
    const first = await send(args(`${clock(2)}-${clock(3)}`), input, env)
    t.equal(first.code, 0, first.stderr)
    const requests = small.map(({ record }) => record['requestId'])
    t.same(new Set(transfers(first).map(({ requestId }) => requestId)), new Set(requests))
    t.match(first.stderr, /"deliveries":1,"until":"[-0-9T:.]+Z".*"waits for its window"/)
    const second = await send(args(`${clock(-2)}-${clock(2)}`), [], env)
    t.match(transfers(second).at(-1), { requestId: large.record['requestId'], status: 'sent' })
    t.equal(scp.distinct.size, 6)
  },
)

t.test('logs name requests and objects, not participants, paths or patients', async (t) => {
  const scp = await peer(t, {
    store: (number) => (number === 1 ? 0xb000 : number === 2 ? 0xc001 : 0),
  })
  const study = makeStudy({ participant: 'PARTICIPANT-7' })
  const { stderr } = await send(['--destination', scp.url, '--log-level', 'info'], [study.record])
  t.match(stderr, String(study.record['requestId']))
  t.notMatch(stderr, /PARTICIPANT-7|Example\^Patient|EX-0001|outbox|\/tmp/)
})

t.test(
  'a ledger line that a failing machine left torn costs one object, not the ledger',
  async (t) => {
    const dataDir = temporary()
    const folder = temporary()
    const args = ['--destination', `file:${folder}`, '--data-dir', dataDir]
    const study = makeStudy({ objects: 4 })
    await send(args, [study.record])
    const [ledger = ''] = filesBelow(join(dataDir, 'state/fiona-send/ledger'))
    const content = readFileSync(ledger)
    writeFileSync(ledger, content.subarray(0, content.indexOf('{"ended"') - 20))
    const again = await send(args, [study.record])
    t.match(transfers(again), [{ status: 'sent', instances: { sent: 1, sentBefore: 3 } }])
    t.match(transfers(await send(args, [study.record])), [
      { instances: { sent: 0, sentBefore: 4 } },
    ])
    rmSync(ledger)
    t.match(transfers(await send(args, [study.record])), [{ instances: { sent: 4 } }], 'anew')
  },
)
