import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t, { type Test } from 'tap'
import { ReferenceList } from '../../src/lib/commitment/reference-list.ts'
import { type WaitingLimits, WaitingRequests } from '../../src/lib/commitment/waiting-requests.ts'
import { temporaryPath } from '../../src/lib/storage/index.ts'
import { temporaryOfEnded } from '../fixtures/temporary-of-ended.ts'

const time = '2026-01-02T03:04:05.678Z'
const requester = { callingAET: 'MODALITY', calledAET: 'FIONA', address: '10.1.2.3' }
const objects = (...numbers: readonly number[]): ReferenceList =>
  ReferenceList.from(
    numbers.map((n) => ({ SOPClassUID: '1.2.3', SOPInstanceUID: `2.25.${String(n)}` })),
  )

function open(
  dataDir: string,
  limits: Partial<WaitingLimits> = {},
  damaged: string[] = [],
): Promise<WaitingRequests> {
  const wide = { requests: 100, requestsOfOneAddress: 100, instances: 1000 }
  return WaitingRequests.open(dataDir, { ...wide, ...limits }, (path) => damaged.push(path))
}

const folderOf = (t: Test) => {
  const dataDir = t.testdir()
  return { dataDir, folder: join(dataDir, 'commitment') }
}

t.test('what was added is there after a restart, and nothing once it is removed', async (t) => {
  const { dataDir, folder } = folderOf(t)
  const requests = await open(dataDir)
  t.same(readdirSync(dataDir), [], 'no folder where nobody asked')
  const request = await requests.add(requester, '2.25.1', objects(1, 2), time)
  t.match(request, { ...requester, TransactionUID: '2.25.1', instances: 2, time })
  const again = await open(dataDir)
  t.same(again.list(), [request])
  const [found] = again.list()
  if (found === undefined) throw new Error('no request')
  t.same([...((await again.references(found)) ?? [])], [...objects(1, 2)])
  await again.remove(found)
  t.same(readdirSync(folder), [])
  t.same(await requests.references(found), undefined, 'another process has reported it')
})

t.test('the same request is one, whoever adds it at the same time', async (t) => {
  const { dataDir, folder } = folderOf(t)
  const requests = await open(dataDir)
  const [one, two] = await Promise.all([
    requests.add(requester, '2.25.1', objects(1), time),
    requests.add({ ...requester, address: '10.9.9.9' }, '2.25.1', objects(1), time),
  ])
  t.equal(one, two)
  t.equal(readdirSync(folder).length, 1)
  t.equal(one?.isDuplicate, false)
  const other = await requests.add(requester, '2.25.1', objects(2), time)
  t.equal(other?.isDuplicate, true, 'other objects under the same Transaction UID')
  const stranger = { ...requester, callingAET: 'OTHER' }
  const theirs = await requests.add(stranger, '2.25.1', objects(3), time)
  t.equal(theirs?.isDuplicate, false, 'the Transaction UID of another peer')
  t.same(
    (await open(dataDir))
      .list()
      .map(({ isDuplicate }) => isDuplicate)
      .sort(),
    [false, false, true],
    'it stays one after a restart',
  )
})

t.test('a request that comes again while it is removed is kept', async (t) => {
  const { dataDir, folder } = folderOf(t)
  const requests = await open(dataDir)
  const first = await requests.add(requester, '2.25.1', objects(1), time)
  if (first === undefined) throw new Error('no request')
  const [, second] = await Promise.all([
    requests.remove(first),
    requests.add(requester, '2.25.1', objects(1), time),
  ])
  t.same(readdirSync(folder), [second?.name])
})

t.test('requests, those of one address, and objects are limited', async (t) => {
  const { dataDir } = folderOf(t)
  const requests = await open(dataDir, { requests: 3, requestsOfOneAddress: 2, instances: 10 })
  t.ok(await requests.add(requester, '2.25.1', objects(1), time))
  const second = await requests.add(requester, '2.25.2', objects(1), time)
  t.equal(await requests.add(requester, '2.25.3', objects(1), time), undefined, 'one address')
  const other = { ...requester, address: '10.9.9.9' }
  const many = objects(...Array.from({ length: 9 }, (_, n) => n))
  t.equal(await requests.add(other, '2.25.4', many, time), undefined, 'objects')
  t.ok(await requests.add(other, '2.25.5', objects(1), time))
  t.equal(await requests.add({ ...other, address: '::1' }, '2.25.6', objects(1), time), undefined)
  if (second !== undefined) await requests.remove(second)
  t.ok(await requests.add(requester, '2.25.3', objects(1, 2, 3), time), 'there is room again')
})

t.test('a request that cannot be written is not kept in mind either', async (t) => {
  const { dataDir, folder } = folderOf(t)
  writeFileSync(folder, 'a file where the folder should be')
  await t.rejects(open(dataDir), { code: 'ENOTDIR' })
  rmSync(folder)
  const requests = await open(dataDir)
  writeFileSync(folder, '')
  await t.rejects(requests.add(requester, '2.25.1', objects(1), time))
  t.same(requests.list(), [])
  rmSync(folder)
  t.ok(await requests.add(requester, '2.25.1', objects(1), time))
})

t.test('what is no request is told and left, what was half-written goes', async (t) => {
  const { dataDir, folder } = folderOf(t)
  mkdirSync(folder)
  const about = { v: 1, time, TransactionUID: '2.25.1', ...requester, isDuplicate: false }
  const good = `${JSON.stringify(about)}\n1.2.3 2.25.1\n`
  const ended = temporaryOfEnded()
  const living = basename(temporaryPath(folder))
  const files: Record<string, string> = {
    'a.request': good,
    'b.request': good.slice(0, -1),
    'c.request': good.replace('2.25.1\n', '../../etc/passwd\n'),
    'd.request': `${JSON.stringify(about)}\n`,
    'e.request': `${JSON.stringify({ ...about, TransactionUID: '..' })}\n1.2.3 2.25.1\n`,
    'f.request': `${JSON.stringify({ ...about, time: 'yesterday' })}\n1.2.3 2.25.1\n`,
    'g.request': 'null\n1.2.3 2.25.1\n',
    'h.request': '',
    'notes.txt': 'somebody wrote this',
    [ended]: good,
    [living]: good,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const damaged: string[] = []
  const requests = await open(dataDir, {}, damaged)
  t.same(
    requests.list().map(({ name }) => name),
    ['a.request'],
  )
  t.same(damaged.map((path) => path.at(-9)).join(''), 'bcdefgh')
  t.notOk(readdirSync(folder).includes(ended))
  t.ok(readdirSync(folder).includes(living), 'the process of another door may be writing it')
  t.equal(readFileSync(join(folder, 'notes.txt'), 'utf8'), 'somebody wrote this')
  const [request] = requests.list()
  if (request === undefined) throw new Error('no request')
  writeFileSync(join(folder, 'a.request'), good.replace('1.2.3 ', '1.2.3'))
  await t.rejects(requests.references(request), { code: 'E_COMMITMENT_DAMAGED' })
})
