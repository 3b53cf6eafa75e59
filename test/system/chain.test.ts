import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { parseRecord } from '../../src/lib/record/index.ts'
import { ctImage, el } from '../fixtures/dicom-writer.ts'
import { zipFile } from '../fixtures/zip-writer.ts'
import { missing, missingPydicom, pydicomSamples, run } from '../fixtures/peers.ts'
import { dcmsend, filesBelow, linksBelow, makeObjects, sendFolders } from './objects.ts'
import { RunningChain } from './running-chain.ts'
import { WireTap } from './wire-tap.ts'

const skip = missing('dcmsend')

function dataSetBytes(path: string): Buffer {
  using file = DicomFile.open(path, { stopAtPixelData: true })
  return readFileSync(path).subarray(file.dataSetOffset)
}

t.test('1,000 objects on 4 associations are all there, as they were sent', { skip }, async (t) => {
  const root = t.testdir()
  const dataDir = join(root, 'var')
  const chain = await RunningChain.start({ dataDir })
  t.teardown(() => chain.stop())
  const objects = makeObjects(join(root, 'in'), 4, 250)
  await sendFolders(join(root, 'in'), chain.port)
  const received = await chain.records('received')
  t.equal(received.length, 1000, 'a record of each, before the sender was told of success')
  const paths = new Map(received.map((each) => [each['SOPInstanceUID'], String(each['path'])]))
  t.ok(
    objects.every(({ SOPInstanceUID, path }) =>
      dataSetBytes(path).equals(dataSetBytes(paths.get(SOPInstanceUID) ?? '/')),
    ),
    'byte for byte',
  )
  received.forEach((record) => parseRecord(record))

  const organized = await chain.until(
    'organized',
    (records) => records.filter(({ type }) => type === 'study').length >= 4,
  )
  const studies = organized.filter(({ type }) => type === 'study')
  t.equal(studies.length, 4, 'one study record a study')
  t.ok(studies.every((study) => study['instances'] === 250 && study['revision'] === 1))
  organized.forEach((record) => parseRecord(record))

  const raw = linksBelow(join(dataDir, 'default', 'raw'))
  t.equal(raw.length, 1000)
  t.notOk(readlinkSync(raw[0] ?? '').startsWith('/'), 'views can be moved with their archive')
  const participants = linksBelow(join(dataDir, 'default', 'participants'))
  t.equal(participants.length, 1000)
  t.match(participants[0], /participants\/EX-0001\/20240102_030405[^/]*\/1_Axial 5 mm[^/]*\//)
  t.match(realpathSync(participants[0] ?? ''), /\/archive\//)

  await chain.until('sent', (records) => records.length >= 4)
  t.equal(filesBelow(join(dataDir, 'delivered')).length, 1000)
  t.same(await chain.records('errors'), [])
  t.equal(await chain.stop(), 0)
})

t.test(
  'what pydicom ships as samples comes through dcmsend as it was sent',
  { skip: skip || missingPydicom() },
  async (t) => {
    const samples = pydicomSamples()
    const root = t.testdir({ in: {} })
    for (const path of samples) copyFileSync(path, join(root, 'in', basename(path)))
    const chain = await RunningChain.start({ dataDir: join(root, 'var') })
    t.teardown(() => chain.stop())
    const tap = await WireTap.to(chain.port)
    t.teardown(() => {
      tap.close()
    })
    const { stdout, stderr } = await run('dcmsend', [
      ...['--verbose', '--no-halt', '--decompress-never', '--scan-directories'],
      ...['127.0.0.1', String(tap.port), join(root, 'in')],
    ])
    const stored = /with status SUCCESS\s*:\s*(\d+)/.exec(stdout + stderr)?.[1]
    t.ok(Number(stored) > 40, `dcmsend stored ${String(stored)} objects`)
    const received = await chain.records('received')
    t.equal(received.length, Number(stored), 'a record for each success')
    const archived = received.map(({ path }) => dataSetBytes(String(path)))
    const isSent = (bytes: Buffer): boolean => tap.dataSets.some((sent) => sent.equals(bytes))
    t.ok(archived.every(isSent), 'what is in the archive went over the wire, byte for byte')
    // The damaged ones among the samples are refused, and kept.
    const refused = filesBelow(join(root, 'var', 'quarantine')).filter((path) => /dcm$/.test(path))
    t.equal(refused.length, tap.dataSets.length - received.length)
    const kept = refused.map((path) => readFileSync(path))
    const isKept = (sent: Buffer): boolean =>
      archived.some((bytes) => bytes.equals(sent)) || kept.some((bytes) => bytes.includes(sent))
    t.ok(tap.dataSets.every(isKept), 'and nothing that went over it is lost')
    t.equal(await chain.stop(), 0)
  },
)

t.test('late objects make another revision, of which only they are sent', { skip }, async (t) => {
  const root = t.testdir()
  const chain = await RunningChain.start({ dataDir: join(root, 'var') })
  t.teardown(() => chain.stop())
  const objects = makeObjects(join(root, 'in'), 1, 5)
  const send = (some: typeof objects) => dcmsend(chain.port, ...some.map(({ path }) => path))
  await send(objects.slice(0, 3))
  const [first] = await chain.until('sent', (records) => records.length === 1)
  t.match(first, { status: 'sent', instances: { sent: 3, failed: 0 } })
  // One of them comes again: that alone is no news.
  await send(objects.slice(2))
  const sent = await chain.until('sent', (records) => records.length === 2)
  t.match(sent[1], {
    requestId: first?.['requestId'],
    status: 'sent',
    instances: { sent: 2, failed: 0 },
  })
  const studies = (await chain.records('organized')).filter(({ type }) => type === 'study')
  t.match(studies, [
    { revision: 1, instances: 3 },
    { revision: 2, instances: 5, added: 2 },
  ])
  t.equal(filesBelow(join(chain.dataDir, 'delivered')).length, 5)
  t.same(await chain.records('errors'), [])
  t.equal(await chain.stop(), 0)
})

t.test('a held study goes on when its own command releases it', { skip }, async (t) => {
  const root = t.testdir({ in: {} })
  const chain = await RunningChain.start({ dataDir: join(root, 'var') })
  t.teardown(() => chain.stop())
  const path = join(root, 'in', 'burned-in.dcm')
  writeFileSync(path, ctImage({ elements: [el(0x00280301, 'CS', 'YES')] }))
  await dcmsend(chain.port, path)
  const [held] = await chain.until('held', (records) => records.length === 1)
  t.match(held, { type: 'held', reasons: [{ code: 'burned-in-annotation' }] })
  t.same(await chain.records('outbox'), [], 'nothing of it went on')
  const { code, stderr } = await run('sh', ['-c', String(held?.['how'])])
  t.equal(code, 0, stderr)
  const [transfer] = await chain.until('sent', (records) => records.length === 1)
  t.match(transfer, { requestId: held?.['requestId'], status: 'sent', instances: { sent: 1 } })
  t.equal(await chain.stop(), 0)
})

t.test('another object under a UID that was sent holds the study', { skip }, async (t) => {
  const root = t.testdir({ in: {} })
  const chain = await RunningChain.start({ dataDir: join(root, 'var') })
  t.teardown(() => chain.stop())
  const path = join(root, 'in', 'object.dcm')
  const send = async (instanceNumber: number) => {
    writeFileSync(path, ctImage({ sopUID: '2.25.30011', instanceNumber }))
    await dcmsend(chain.port, path)
  }
  await send(1)
  await chain.until('sent', (records) => records.length === 1)
  await send(2)
  const [held] = await chain.until('held', (records) => records.length === 1)
  t.match(held, { type: 'held', reasons: [{ code: 'same-uid-twice', count: 1 }] })
  const studies = (await chain.records('organized')).filter(({ type }) => type === 'study')
  t.match(studies, [
    { revision: 1, instances: 1 },
    { revision: 2, instances: 2, added: 1 },
  ])
  t.equal((await chain.records('sent')).length, 1, 'nothing of it went on')
  t.same(await chain.records('errors'), [])
  t.equal(await chain.stop(), 0)
})

t.test('a path written into the front door enters the chain', async (t) => {
  const root = t.testdir()
  mkdirSync(join(root, 'in'))
  const chain = await RunningChain.start({ dataDir: join(root, 'var') })
  t.teardown(() => chain.stop())
  const [object] = makeObjects(join(root, 'in'), 1, 1)
  const door = join(chain.dataDir, 'run', 'received.pipe')
  const { code } = await run('sh', ['-c', 'echo "$1" > "$2"', 'sh', object?.path ?? '', door])
  t.equal(code, 0)
  const [record] = await chain.until('received', (records) => records.length === 1)
  t.equal(record?.['SOPInstanceUID'], object?.SOPInstanceUID)
  await chain.until('sent', (records) => records.length === 1)
  t.equal(await chain.stop(), 0)
})

t.test('inboxes of the configuration are emptied into the chain', async (t) => {
  const root = t.testdir({ one: {}, two: {} })
  const config = join(root, 'fiona.yaml')
  // Relative to the file, whoever reads its copy.
  writeFileSync(
    config,
    [
      'inboxes:',
      '  - { folder: one, settleSeconds: 0.2 }',
      '  - { folder: two, settleSeconds: 0.2, project: ABCD }',
      '  - { folder: missing }',
    ].join('\n'),
  )
  const chain = await RunningChain.start({ dataDir: join(root, 'var'), config })
  t.teardown(() => chain.stop())
  const objects = makeObjects(join(root, 'in'), 2, 2)
  const zipped = objects.slice(0, 2).map(({ path }) => readFileSync(path))
  const members = zipped.map((data, n) => ({ name: `${String(n)}.dcm`, data }))
  writeFileSync(join(root, 'one', 'study.zip'), zipFile(members))
  mkdirSync(join(root, 'two', 'study'))
  for (const { path } of objects.slice(2)) {
    copyFileSync(path, join(root, 'two', 'study', basename(path)))
  }
  const received = await chain.until('received', (records) => records.length >= 4)
  const projectOf = new Map(
    received.map(({ SOPInstanceUID, path }) => [
      SOPInstanceUID,
      String(path)
        .slice(chain.dataDir.length + 1)
        .split('/')[0],
    ]),
  )
  t.same(
    objects.map(({ SOPInstanceUID }) => projectOf.get(SOPInstanceUID)),
    ['default', 'default', 'ABCD', 'ABCD'],
  )
  await chain.until('organized', (all) => all.filter(({ type }) => type === 'study').length >= 2)
  t.match(chain.stderr, /E_INBOX|missing cannot be used/, 'one that is not there is told')
  t.equal(await chain.stop(), 0)
  // Its lease stays, hidden.
  const isVisible = (path: string) => !basename(path).startsWith('.')
  for (const folder of ['one', 'two']) {
    t.same(filesBelow(join(root, folder)).filter(isVisible), [], `${folder} is emptied`)
  }
})

t.test('a journal replays what happened', { skip: missing('jq', 'dcmsend') }, async (t) => {
  const root = t.testdir()
  const chain = await RunningChain.start({ dataDir: join(root, 'var') })
  t.teardown(() => chain.stop())
  makeObjects(join(root, 'in'), 1, 3)
  await sendFolders(join(root, 'in'), chain.port)
  const { code, stdout } = await run('bash', [
    '-c',
    'set -o pipefail; fiona-journal cat received --data-dir "$1" | fiona-classify --explain | jq -c .',
    'bash',
    chain.dataDir,
  ])
  t.equal(code, 0)
  const replayed = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  t.equal(replayed.length, 3)
  t.ok(replayed.every((record) => (record['ClassifyType'] as string[]).includes('CT')))
  t.ok(replayed.every((record) => Array.isArray(record['classifyTrace'])))
  t.equal(await chain.stop(), 0)
})
