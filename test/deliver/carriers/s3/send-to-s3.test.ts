// The tool itself at an S3 store: behind TLS of a site's own, with keys that run out, a clock that is wrong, and more than one list of names.
import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { CertificateAuthority } from '../../../fixtures/certificate-authority.ts'
import { missing, run } from '../../../fixtures/peers.ts'
import { configuration, send } from '../../sending.ts'
import { makeStudy, temporary } from '../../studies.ts'
import { S3Proxy } from './s3-proxy.ts'
import { SwiftStore, credentialsFile, missingSwift, region, researcher } from './swift-store.ts'

const skip = missingSwift() || missing('openssl')
const swift = skip === false ? await SwiftStore.start() : undefined
t.teardown(() => swift?.stop())
const store = swift as SwiftStore

const cloud = (bucket: string, more: object): string[] => {
  const config = {
    dataDir: temporary(),
    projects: { ABCD: { destinations: ['cloud'] } },
    destinations: {
      cloud: {
        url: `s3://${bucket}/in`,
        region,
        credentialsFile: credentialsFile(researcher),
        verify: 'find',
        retry: { max: 0 },
        ...more,
      },
    },
  }
  return ['--config', configuration(config)]
}

t.test('TLS: an authority of the site, by caFile; without it nothing goes', { skip }, async (t) => {
  const authority = new CertificateAuthority(temporary())
  const { keyFile, certFile } = authority.issue('localhost')
  const tls = { key: readFileSync(keyFile), cert: readFileSync(certFile) }
  const proxy = await S3Proxy.before(store, tls)
  t.teardown(() => proxy.close())
  const bucket = await store.makeBucket('tls')
  const endpoint = proxy.endpoint.replace('127.0.0.1', 'localhost')
  const refused = await send(cloud(bucket, { endpoint }), [makeStudy().record])
  t.equal(refused.code, 1)
  t.match(refused.records, [{ status: 'refused' }, { code: 'E_TLS' }])
  t.same(proxy.seen, [])
  const { caFile } = authority
  const sent = await send(cloud(bucket, { endpoint, caFile }), [makeStudy().record])
  t.match(sent.records, [{ status: 'sent', verified: true, instances: { sent: 3 } }])
})

t.test('a session token goes with each request, and is signed', { skip }, async (t) => {
  const proxy = await S3Proxy.before(store)
  t.teardown(() => proxy.close())
  const bucket = await store.makeBucket('token')
  const path = credentialsFile(researcher)
  writeFileSync(path, `${readFileSync(path, 'utf8')}aws_session_token = of/an+hour==\n`)
  const { endpoint } = proxy
  const sent = await send(cloud(bucket, { endpoint, credentialsFile: path }), [makeStudy().record])
  // Swift does not know it, but it checks what was signed.
  t.match(sent.records, [{ status: 'sent', verified: true }])
  t.ok(proxy.seen.length > 3)
  for (const { headers } of proxy.seen) {
    t.equal(headers['x-amz-security-token'], 'of/an+hour==')
    t.match(headers.authorization, /SignedHeaders=[^,]*x-amz-security-token/)
  }
  proxy.fate = () => ({ status: 400, code: 'ExpiredToken' })
  const late = await send(cloud(bucket, { endpoint, credentialsFile: path }), [makeStudy().record])
  t.match(late.records, [{ status: 'refused' }, { code: 'E_S3_NOT_ALLOWED' }])
})

t.test('more objects than a list has names are verified', { skip }, async (t) => {
  const bucket = await store.makeBucket('many')
  const { endpoint } = store
  const study = makeStudy({ objects: 1050, rows: 2 })
  const sent = await send(cloud(bucket, { endpoint, concurrency: 8 }), [study.record])
  t.match(sent.records, [{ status: 'sent', verified: true, instances: { sent: 1050 } }])
})

const late = skip || missing('faketime')
t.test('a clock that is an hour late is told as that', { skip: late }, async (t) => {
  const bucket = await store.makeBucket('late')
  const args = cloud(bucket, { endpoint: store.endpoint })
  const input = `${JSON.stringify(makeStudy().record)}\n`
  const env = { FIONA_STAGE: '', FIONA_CONFIG: '' }
  const done = await run('faketime', ['-f', '-1h', 'fiona-send', ...args], { input, env })
  t.equal(done.code, 1, done.stderr)
  t.match(done.stdout, /"E_CLOCK".*60 minutes behind/)
})
