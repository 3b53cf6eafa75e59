// s3: against OpenStack Swift, which verifies signatures and sums; what goes wrong on the way is made by a proxy before it.
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { S3Carrier } from '../../../../src/lib/deliver/carriers/s3/carry-to-s3.ts'
import type { S3Target } from '../../../../src/lib/deliver/destination.ts'
import { Throttle } from '../../../../src/lib/deliver/throttle.ts'
import { freePort, run } from '../../../fixtures/peers.ts'
import { configuration, send } from '../../sending.ts'
import { makeStudy, temporary, type Study } from '../../studies.ts'
import { Told, destinationAt, objectsOf } from '../waybill.ts'
import { S3Proxy, type Fate, type Passing } from './s3-proxy.ts'
import {
  SwiftStore,
  credentialsFile,
  guest,
  missingSwift,
  region,
  researcher,
} from './swift-store.ts'

const skip = missingSwift()
const swift = skip === false ? await SwiftStore.start() : undefined
t.teardown(() => swift?.stop())
const store = swift as SwiftStore

let buckets = 0
const newBucket = (): Promise<string> => store.makeBucket(`bucket-${String(++buckets)}`)

async function proxyIn(t: Test): Promise<S3Proxy> {
  const proxy = await S3Proxy.before(store)
  t.teardown(() => proxy.close())
  return proxy
}

/** What an error is to be like. */
interface Trouble {
  readonly code: string
  readonly message?: RegExp
  readonly hint?: RegExp
  readonly retryable?: boolean
  readonly retryAfterSeconds?: number
}

const settings = (more: object = {}): object => ({
  endpoint: store.endpoint,
  region,
  credentialsFile: credentialsFile(researcher),
  timeoutSeconds: 20,
  ...more,
})

/** @param partBytes below what a configuration may say, so that small objects go in parts */
function carrierTo(t: Test, bucket: string, more: object = {}, partBytes?: number): S3Carrier {
  const destination = destinationAt(`s3://${bucket}/in/to`, settings(more))
  const target = destination.target as S3Target
  const carrier = new S3Carrier(
    destination,
    { ...target, partBytes: partBytes ?? target.partBytes },
    new Throttle(undefined),
  )
  t.teardown(() => carrier.rest())
  return carrier
}

const keysOf = ({ files, record }: Study): string[] =>
  files.map(
    (file) => `in/to/${String(record['participant'])}/${file.split('/').slice(-3).join('/')}`,
  )

/** Every object lies there once, whole, and nothing else but what FIONA tries with. */
async function same(t: Test, bucket: string, study: Study): Promise<void> {
  const there = await store.contents(bucket)
  there.delete('in/to/.fiona')
  t.same([...there.keys()], keysOf(study).sort())
  for (const [index, key] of keysOf(study).entries()) {
    t.ok(there.get(key)?.equals(readFileSync(study.files[index] ?? '')))
  }
}

t.test('the tool brings a study under safe names, and verifies it', { skip }, async (t) => {
  const bucket = await newBucket()
  const study = makeStudy({ objects: 5, series: 2, participant: "O'Neil & (é)/.." })
  const config = configuration({
    dataDir: temporary(),
    projects: { ABCD: { destinations: ['cloud'] } },
    destinations: {
      cloud: {
        ...settings(),
        url: `s3://${bucket}/in/to`,
        verify: 'find',
        retry: { max: 0 },
      },
    },
  })
  const sent = await send(['--config', config], [study.record])
  t.match(
    sent.records,
    [{ status: 'sent', verified: true, instances: { sent: 5, failed: 0 } }],
    sent.stderr,
  )
  const there = await store.contents(bucket)
  t.equal(there.delete('in/to/.fiona'), true)
  t.same(
    [...there.keys()].map((key) => key.split('/')[2]),
    Array(5).fill('O%27Neil %26 (é)%2F..'),
  )
  for (const file of study.files) {
    const [, bytes] =
      [...there].find(([key]) => key.endsWith(file.split('/').slice(-3).join('/'))) ?? []
    t.ok(bytes?.equals(readFileSync(file)))
  }
  t.notMatch(sent.stderr + JSON.stringify(sent.records), researcher.secretAccessKey)
  const checked = await run('fiona-ctl', ['check', '--config', config, '--json'])
  t.match(checked.stdout, /takes objects from us/)
})

for (const conditions of ['as the store', 'kept', 'ignored'] as const) {
  t.test(
    `equal bytes count as delivered, others stay; conditions: ${conditions}`,
    { skip },
    async (t) => {
      const bucket = await newBucket()
      const proxy = await proxyIn(t)
      proxy.conditions = conditions
      const study = makeStudy({ objects: 4 })
      const [equal = '', other = '', sized = ''] = keysOf(study)
      await store.put(bucket, equal, readFileSync(study.files[0] ?? '', 'latin1'))
      await store.put(bucket, other, 'what somebody else put there')
      const size = statSync(study.files[2] ?? '').size
      await store.put(bucket, sized, 'x'.repeat(size))
      const objects = await objectsOf(study)
      const told = new Told()
      const more = { endpoint: proxy.endpoint }
      await carrierTo(t, bucket, more).carry(objects, told)
      t.equal(told.failures.get(objects[1]?.SOPInstanceUID ?? '')?.code, 'E_CONFLICT')
      t.equal(told.failures.get(objects[2]?.SOPInstanceUID ?? '')?.code, 'E_CONFLICT')
      t.equal((await store.get(bucket, other)).toString(), 'what somebody else put there')
      const looks = proxy.seen.filter(({ method }) => method === 'HEAD').length
      if (conditions === 'kept') t.ok(looks < 4, 'what is new is not asked for')
      const later = new Told({ revision: 2 })
      await carrierTo(t, bucket, more).carry(objects, later)
      t.equal(later.arrivals.length, 4)
      await same(t, bucket, study)
    },
  )
}

t.test('in parts, and what broke off is neither seen nor left', { skip }, async (t) => {
  const bucket = await newBucket()
  const proxy = await proxyIn(t)
  const study = makeStudy({ objects: 2, rows: 600 })
  const objects = await objectsOf(study)
  const carrier = carrierTo(t, bucket, { endpoint: proxy.endpoint, concurrency: 1 }, 200_000)
  proxy.fate = ({ url }) => (url.includes('partNumber=3') ? 'break' : 'pass')
  await t.rejects(carrier.carry(objects, new Told()), { code: 'E_WEB_LOST', retryable: true })
  t.equal(await store.openUploads(bucket), 0)
  t.same([...(await store.contents(bucket)).keys()], ['in/to/.fiona'])
  proxy.fate = () => 'pass'
  const [key = ''] = keysOf(study)
  await store.request('POST', `/${bucket}/${key}?uploads=`)
  t.equal(await store.openUploads(bucket), 1, 'what a killed one leaves')
  proxy.fate = ({ url, method }) =>
    method === 'POST' && url.includes('?uploadId') ? 'lose the answer' : 'pass'
  await t.rejects(carrier.carry(objects.slice(0, 1), new Told()), {
    code: 'E_WEB_LOST',
  })
  proxy.fate = () => 'pass'
  const told = new Told()
  await carrier.carry(objects, told)
  t.equal(told.arrivals.length, 2)
  t.equal(await store.openUploads(bucket), 0)
  t.same((await store.get(bucket, key)).equals(readFileSync(study.files[0] ?? '')), true)
})

t.test('trouble on the way: each object is there once in the end', { skip }, async (t) => {
  const isObject = ({ method, url }: Passing): boolean => method === 'PUT' && url.endsWith('.dcm')
  const troubles: readonly (readonly [Fate, Trouble])[] = [
    ['break', { code: 'E_WEB_LOST', retryable: true }],
    [
      { status: 503, code: 'SlowDown' },
      { code: 'E_S3', retryable: true, retryAfterSeconds: 1 },
    ],
    [
      { status: 429, headers: { 'Retry-After': '7' } },
      { code: 'E_S3', retryAfterSeconds: 7 },
    ],
    [
      { status: 500, code: 'InternalError' },
      { code: 'E_S3', retryable: true },
    ],
    [{ status: 507 }, { code: 'E_S3', retryable: true, hint: /no room/ }],
    [
      { status: 403, code: 'QuotaExceeded' },
      { code: 'E_S3', retryable: true, hint: /no room/ },
    ],
    [
      { status: 400, code: 'BadDigest' },
      { code: 'E_S3', retryable: true },
    ],
    [
      { status: 409, code: 'ConditionalRequestConflict' },
      { code: 'E_S3', retryable: true },
    ],
  ]
  for (const conditions of ['as the store', 'kept'] as const) {
    const bucket = await newBucket()
    const proxy = await proxyIn(t)
    proxy.conditions = conditions
    const study = makeStudy({ objects: 3 })
    const objects = await objectsOf(study)
    const carrier = carrierTo(t, bucket, { endpoint: proxy.endpoint, concurrency: 1 })
    for (const [fate, error] of troubles) {
      proxy.fate = (passing) => (isObject(passing) ? fate : 'pass')
      await store.request('DELETE', `/${bucket}/${keysOf(study)[0] ?? ''}`)
      await t.rejects(carrier.carry(objects, new Told()), error, JSON.stringify(fate))
    }
    proxy.fate = () => 'pass'
    const told = new Told()
    await carrier.carry(objects, told)
    t.equal(told.arrivals.length, 3)
    await same(t, bucket, study)
  }
})

t.test('an answer that got lost: what was sent is there once', { skip }, async (t) => {
  for (const conditions of ['as the store', 'kept'] as const) {
    const bucket = await newBucket()
    const proxy = await proxyIn(t)
    proxy.conditions = conditions
    const study = makeStudy({ objects: 2 })
    const objects = await objectsOf(study)
    const carrier = carrierTo(t, bucket, { endpoint: proxy.endpoint, concurrency: 1 })
    let lost = 0
    // Also when it is sent again at once, as on a connection that had served before.
    proxy.fate = ({ method, url }) =>
      method === 'PUT' && url.endsWith('.dcm') && ++lost <= 2 ? 'lose the answer' : 'pass'
    const told = new Told()
    for (let tries = 1; told.arrivals.length < 2; tries++) {
      if (tries > 3) throw new Error('it does not end')
      await carrier.carry(objects, told).catch((error: unknown) => {
        t.match(error, { code: 'E_WEB_LOST', retryable: true })
      })
    }
    t.equal(told.failures.size, 0)
    await same(t, bucket, study)
  }
})

t.test('an object that the store does not take is refused alone', { skip }, async (t) => {
  const bucket = await newBucket()
  const proxy = await proxyIn(t)
  const study = makeStudy({ objects: 3 })
  const objects = await objectsOf(study)
  const [, bad = ''] = keysOf(study)
  proxy.fate = ({ method, url }) =>
    method === 'PUT' && url.endsWith(bad) ? { status: 400, code: 'EntityTooLarge' } : 'pass'
  const told = new Told()
  await carrierTo(t, bucket, { endpoint: proxy.endpoint }).carry(objects, told)
  t.equal(told.arrivals.length, 2)
  t.match(
    [...told.failures],
    [[objects[1]?.SOPInstanceUID, { code: 'E_REFUSED', retryable: false }]],
  )
})

t.test('what a person must mend, in words', { skip }, async (t) => {
  const bucket = await newBucket()
  const objects = await objectsOf(makeStudy({ objects: 1 }))
  const wrong = { ...researcher, secretAccessKey: 'wrong' }
  const mistakes: readonly (readonly [object, string, Trouble])[] = [
    [
      { credentialsFile: credentialsFile(wrong) },
      bucket,
      { code: 'E_S3_NOT_ALLOWED', hint: /keys/ },
    ],
    [
      { credentialsFile: credentialsFile(guest) },
      bucket,
      { code: 'E_S3_NOT_ALLOWED', hint: /PutObject/ },
    ],
    [{ region: 'elsewhere' }, bucket, { code: 'E_S3_BUCKET', hint: /region: north-1/ }],
    [{}, 'no-such-bucket', { code: 'E_S3_BUCKET', hint: /FIONA makes none/ }],
    [{ endpoint: `http://127.0.0.1:${String(await freePort())}` }, bucket, { code: 'E_CONNECT' }],
  ]
  for (const [more, where, error] of mistakes) {
    await t.rejects(carrierTo(t, where, more).carry(objects, new Told()), error)
  }
  const proxy = await proxyIn(t)
  const carrier = carrierTo(t, bucket, { endpoint: proxy.endpoint })
  const past = new Date(Date.now() - 3_600_000).toUTCString()
  proxy.fate = () => ({ status: 403, code: 'RequestTimeTooSkewed', headers: { Date: past } })
  await t.rejects(carrier.carry(objects, new Told()), {
    code: 'E_CLOCK',
    message: /60 minutes ahead of/,
  })
})

t.test('credentials that are renewed are used at once; open ones never', { skip }, async (t) => {
  const bucket = await newBucket()
  const objects = await objectsOf(makeStudy({ objects: 2 }))
  const path = credentialsFile(guest)
  const carrier = carrierTo(t, bucket, { credentialsFile: path })
  await t.rejects(carrier.carry(objects, new Told()), { code: 'E_S3_NOT_ALLOWED' })
  writeFileSync(path, readFileSync(credentialsFile(researcher)))
  const told = new Told()
  await carrier.carry(objects, told)
  t.equal(told.arrivals.length, 2)
  chmodSync(path, 0o644)
  await t.rejects(carrier.carry(objects, new Told()), { code: 'E_SECRET' })
})

t.test(
  'kill -9 at any point: the next run ends with every object whole, once',
  { skip },
  async (t) => {
    for (const point of ['s3.before-put', 's3.part-taken', 's3.taken']) {
      const bucket = await newBucket()
      // Larger than a part, for what happens between two.
      const size = point === 's3.part-taken' ? { objects: 1, rows: 1700 } : { objects: 2 }
      const study = makeStudy(size)
      const more = { url: `s3://${bucket}/in/to`, partBytes: 5 << 20, retry: { max: 0 } }
      const config = configuration({
        dataDir: temporary(),
        projects: { ABCD: { destinations: ['cloud'] } },
        destinations: { cloud: settings(more) },
      })
      const killed = await send(['--config', config], [study.record], { FIONA_FAULT_POINT: point })
      t.equal(killed.code, null, `${point}: ${killed.stderr}`)
      const sent = await send(['--config', config], [])
      t.match(sent.records, [{ type: 'transfer', status: 'sent', instances: { failed: 0 } }])
      t.equal(await store.openUploads(bucket), 0)
      await same(t, bucket, study)
    }
  },
)
