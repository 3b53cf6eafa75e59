// What fiona-send makes of state that is damaged, belongs to another user, or is of another configuration: with the program itself.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { type Sending, filesBelow } from '../deliver/sending.ts'
import { makeStudy, studyIn, type Study } from '../deliver/studies.ts'
import { StoragePeer } from '../dimse/storage-peer.ts'
import type { Finished } from '../fixtures/peers.ts'
import { Site, isError, isMark, isTransfer, mark, nextRevision, requestOf } from './send-site.ts'

/** What the destination had before: enough for the ledger to be packed. */
const objects = 30

async function delivered(
  t: Test,
): Promise<{ site: Site; peer: StoragePeer; study: Study; packed: string }> {
  const site = await Site.make()
  const peer = await StoragePeer.listen({ port: site.port })
  t.teardown(() => peer.close())
  const study = makeStudy({ objects })
  const sending = await site.runs(t, [study])
  await sending.until(isTransfer)
  await confirmed(site, sending)
  await sending.kill('SIGTERM')
  const ledger = filesBelow(join(site.dataDir, 'state/fiona-send/ledger'))
  const packed = ledger.find((path) => path.endsWith('.ndjson.gz')) ?? ''
  t.not(packed, '')
  return { site, peer, study, packed }
}

/**
 * The next in line has what was said, and it is forgotten here, so that `status` counts it no longer. A mark that comes
 * between the word and the note that it was said confirms nothing: on a busy machine it takes more than two.
 */
async function confirmed(site: Site, sending: Sending): Promise<void> {
  const kept = join(site.dataDir, 'state/fiona-send/waiting')
  for (let seq = 2; filesBelow(kept).length > 0; seq++) {
    sending.write(mark(seq, seq - 1))
    await sending.until(isMark(seq))
  }
}

async function says(sending: Sending, text: string): Promise<void> {
  while (!sending.stderr.includes(text)) await once(sending.child.stderr ?? sending.child, 'data')
}

for (const [what, damage] of [
  ['a byte of it is another', (bytes: Buffer) => bytes.fill(bytes.readUInt8(40) ^ 255, 40, 41)],
  ['its end is missing', (bytes: Buffer) => bytes.subarray(0, 100)],
  ['it is empty', () => Buffer.alloc(0)],
] as const) {
  t.test(`a ledger is damaged, ${what}: its study waits for a person, others go`, async (t) => {
    const { site, peer, study, packed } = await delivered(t)
    const good = readFileSync(packed)
    writeFileSync(packed, damage(Buffer.from(good)))
    const damaged = readFileSync(packed)
    t.match(await site.explain(requestOf(study)), {
      state: 'unknown',
      why: /is not known: .*\.gz is damaged \(E_LEDGER\)/,
      next: /backup; or move it away: .*sent again/,
    })
    const [again, other] = [nextRevision(study), makeStudy({ objects: 2 })]
    const sending = await site.runs(t, [again, other])
    t.match(await sending.until(isTransfer), { requestId: requestOf(other), status: 'sent' })
    await says(sending, 'waits for a person')
    t.equal(peer.objects, objects + 2, 'nothing was sent again')
    t.match(await site.explain(requestOf(study)), { state: 'waiting', why: /person.*E_LEDGER/ })
    t.match((await site.status())['waiting'], { studies: 1 })
    t.same(readFileSync(packed), damaged, 'it stays as it was')

    writeFileSync(packed, good)
    t.match(await site.ask('retry', requestOf(study)), { code: 0 })
    const transfer = { status: 'sent', instances: { sent: 1, sentBefore: objects, failed: 0 } }
    t.match(await sending.until(isTransfer), { ...transfer, requestId: requestOf(study) })
    t.equal(peer.objects, objects + 3)
    t.same(sending.said.filter(isError), [])
  })
}

t.test('dropped with a damaged ledger: the record says that nobody knows', async (t) => {
  const { site, study, packed } = await delivered(t)
  writeFileSync(packed, readFileSync(packed).subarray(0, 100))
  const sending = await site.runs(t, [nextRevision(study)])
  await says(sending, 'waits for a person')
  await site.ask('drop', requestOf(study), '--by', 'A. Smith', '--because', 'withdrawn')
  t.match(await sending.until(isTransfer), {
    status: 'refused',
    instances: { sent: 0, failed: 0, sentBefore: 0 },
  })
  t.match(await sending.until(isError), {
    code: 'E_DROPPED',
    message: /withdrawn; what the destination has of it is not known: .*damaged/,
  })
  await confirmed(site, sending)
})

/** Nothing was tried, and nothing is said that nobody knows. */
function refused(t: Test, { code, stdout, stderr }: Finished, [bad, good]: [Study, Study]): void {
  const said = stdout.trimEnd().split('\n')
  const records = said.map((line) => JSON.parse(line) as AnyRecord)
  const of = (study: Study) => (record: AnyRecord) =>
    [record, record['record'] as AnyRecord | undefined].some(
      (one) => one?.['requestId'] === requestOf(study),
    )
  const [transfer, error] = records.filter(of(bad))
  t.match(transfer, {
    type: 'transfer',
    status: 'refused',
    instances: { sent: 0, failed: 0, sentBefore: 0 },
    attempts: 0,
    verified: false,
  })
  t.match(error, {
    type: 'error',
    code: 'E_LEDGER',
    record: bad.record,
    message:
      /^what pacs has of the study is not known, so nothing is tried: .*the ledger \/.*; .*; then hand in this record again$/,
  })
  t.notMatch(error?.['message'], /retry/, 'by hand nothing waits that could be tried again')
  t.match(stderr, /refused, and nothing was tried: nothing is sent, as the ledger \/.*\.ndjson\.gz/)
  t.match(records.filter(of(good)), [{ type: 'transfer', status: 'sent' }], 'others go')
  t.equal(code, 1, 'done, but error records were written')
}

t.test('by hand a damaged ledger: its study is refused, and nothing was tried', async (t) => {
  const { site, peer, study, packed } = await delivered(t)
  const good = readFileSync(packed)
  writeFileSync(packed, good.subarray(0, 100))
  const before = filesBelow(dirname(packed))
  const [again, other] = [nextRevision(study), makeStudy({ objects: 2 })]
  refused(t, await site.send(again, other), [again, other])
  t.equal(peer.objects, objects + 2)
  t.match(await site.status(), { today: { studies: 2, incomplete: 1 }, waiting: { studies: 0 } })
  t.same(readFileSync(packed), good.subarray(0, 100))
  t.equal(filesBelow(dirname(packed)).length, before.length + 1, 'of the other alone')
  writeFileSync(packed, good)
  t.match(await site.send(again), { code: 0, stdout: /"sent":1,"failed":0,"sentBefore":30/ })
})

const nobody = 65534
const rootOf = ({ path }: Study): string => dirname(dirname(path))
const mayBecomeNobody = {
  skip: process.getuid?.() === 0 ? false : 'only root makes files that another may not read',
}

t.test('a ledger of another user: its study waits, others go', mayBecomeNobody, async (t) => {
  const { site, peer, study, packed } = await delivered(t)
  const other = makeStudy({ objects: 2 })
  const places = [site.dataDir, dirname(site.config), ...[study, other].map(rootOf)]
  spawnSync('chmod', ['-R', 'a+rwX', ...places])
  chmodSync(packed, 0o600)
  const sending = await site.runs(t, [nextRevision(study), other], {}, nobody)
  t.match(await sending.until(isTransfer), { requestId: requestOf(other), status: 'sent' })
  await says(sending, 'waits for a person')
  t.match(sending.stderr, /cannot be read and written \(EACCES\)/)
  t.equal(peer.objects, objects + 2)
})

t.test('by hand a ledger of another user: its study is refused', mayBecomeNobody, async (t) => {
  const { site, peer, study, packed } = await delivered(t)
  const [again, other] = [nextRevision(study), makeStudy({ objects: 2 })]
  const places = [site.dataDir, dirname(site.config), ...[again, other].map(rootOf)]
  spawnSync('chmod', ['-R', 'a+rwX', ...places])
  chmodSync(packed, 0o600)
  refused(t, await site.sendAs(nobody, again, other), [again, other])
  t.equal(peer.objects, objects + 2)
})

t.test('a destination has another name now: what waits is found and goes there', async (t) => {
  const site = await Site.make()
  const study = makeStudy({ objects: 3 })
  await site.took(t, study)
  site.config = site.configure('archive')
  t.match(await site.explain(requestOf(study)), { why: /no fiona-send runs/ })
  const sending = await site.runs(t, [])
  await says(sending, 'E_CONNECT')
  let status = await site.status()
  while (status['state'] !== 'down') status = await site.status()
  t.match(status, { destination: 'archive', waiting: { studies: 1, objects: 3 } })
  t.match(await site.explain(requestOf(study)), { destination: 'archive', why: /not answer/ })
  const peer = await StoragePeer.listen({ port: site.port })
  t.teardown(() => peer.close())
  await site.ask('retry', 'archive')
  t.match(await sending.until(isTransfer), { destination: 'archive', status: 'sent' })
})

t.test('a destination is gone from the configuration: told, and dropped', async (t) => {
  const site = await Site.make()
  const study = makeStudy({ objects: 3 })
  await site.took(t, study)
  for (const config of [
    site.configure('other', 'file:/nowhere'),
    site.configure('pacs', 'file:/nowhere'),
  ]) {
    site.config = config
    const asked = await site.explain(requestOf(study))
    t.match(asked, { why: /no project .* sends to dicom:.* any more, which was pacs/ })
    t.match(asked, { next: /drop ends it/, objects: { waiting: 3 } })
  }
  const sending = await site.runs(t, [])
  const why = ['--by', 'A. Smith', '--because', 'moved']
  t.match(await site.ask('retry', requestOf(study)), { code: 0 })
  t.match(await site.ask('drop', requestOf(study), ...why), { code: 0, stdout: /ended now: 1/ })
  t.match(await sending.until(isTransfer), {
    destination: 'pacs',
    status: 'refused',
    instances: { sent: 0, failed: 3 },
  })
  t.match(await sending.until(isError), { code: 'E_DROPPED' })
  t.match(await site.explain(requestOf(study)), { state: 'incomplete', why: /moved/ })
})

t.test('while it runs and nothing waits, no destination counts as stopped', async (t) => {
  const { site } = await delivered(t)
  const sending = await site.runs(t, [])
  let status = await site.status()
  while (status['state'] === 'stopped') status = await site.status()
  t.match(status, { state: 'unknown', today: { studies: 1, objects } })
  await sending.kill('SIGKILL')
  t.match(await site.status(), { state: 'stopped', today: { studies: 1, objects } })
})

t.test('what was sent today counts, whoever sent it', async (t) => {
  const { site } = await delivered(t)
  t.match(await site.send(makeStudy({ objects: 2 })), { code: 0 })
  t.match((await site.status())['today'], { studies: 2, objects: objects + 2 })
})

t.test('an object that was made anew waits, whatever was sent under its name before', async (t) => {
  const { site, peer, study } = await delivered(t)
  await peer.close()
  const [first = '', second = ''] = study.files
  const bytes = readFileSync(first)
  rmSync(first)
  writeFileSync(first, Buffer.concat([bytes, Buffer.alloc(8)]))
  writeFileSync(second, readFileSync(second))
  const again = studyIn(study.path, String(study.record['StudyInstanceUID']), 'S001', {
    fields: { revision: 2 },
  })
  await site.took(t, again)
  const { instances, objects: counts } = await site.explain(requestOf(study))
  t.match(counts, { sent: objects - 1, waiting: 1 })
  const [waiting] = (instances as AnyRecord[]).filter(({ state }) => state === 'waiting')
  t.ok(first.endsWith(String(waiting?.['name'])))
})

t.test('a study that this user may not read is not told to be gone', mayBecomeNobody, async (t) => {
  const site = await Site.make()
  const study = makeStudy()
  spawnSync('chmod', ['-R', 'a+rwX', site.dataDir, dirname(site.config)])
  const sending = await site.runs(t, [study], {}, nobody)
  await says(sending, 'E_STUDY_UNREADABLE')
  t.match(sending.stderr, /cannot be read \(EACCES\)/)
})
