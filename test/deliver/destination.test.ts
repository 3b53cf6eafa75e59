import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { backoffMs } from '../../src/lib/deliver/lane/backoff.ts'
import { byHand, readDestination } from '../../src/lib/deliver/destination.ts'
import { ExitCode } from '../../src/lib/error/index.ts'
import { temporary } from './studies.ts'

const read = (url: string, more: object = {}) =>
  readDestination('x', { ...byHand, ...more, url }, '--destination', ExitCode.usage)

t.test('each form of a destination is understood', (t) => {
  for (const [url, target] of [
    ['dicom://PACS@host:4242', { host: 'host', port: 4242, calledAETitle: 'PACS' }],
    ['DICOM://pacs@Host', { host: 'Host', port: 104, calledAETitle: 'pacs' }],
    ['dicom://TWO%20WORDS@10.0.0.1:1/', { host: '10.0.0.1', calledAETitle: 'TWO WORDS' }],
    ['dicom://A@[::1]:104', { host: '::1', port: 104 }],
    ['dicoms://A@host', { host: 'host', port: 2762, tls: {} }],
    ['file:/a/b/../c', { kind: 'folder', directory: '/a/c' }],
    ['file:///a%20b', { directory: '/a b' }],
    ['file:/100%25', { directory: '/100%25' }],
    ['https://Host/dicom-web/', { kind: 'stow', root: 'https://host/dicom-web' }],
    ['http://127.0.0.1:8042/dicom-web', { root: 'http://127.0.0.1:8042/dicom-web' }],
    ['file:out', { directory: `${process.cwd()}/out` }],
  ] as const) {
    t.match(read(url).target, target, url)
  }
  t.end()
})

t.test('one place has one name for the ledger, however it is written', (t) => {
  t.equal(read('DICOM://A@HOST:104').url, read('dicom://A@host/').url)
  t.equal(read('file:///a/b').url, read('file:/a/./b/').url)
  t.not(read('dicom://A@host:104').url, read('dicoms://A@host:104').url)
  t.not(read('dicom://A@host').url, read('dicom://a@host').url, 'AE titles are case-sensitive')
  t.end()
})

t.test('whatever is written, it is understood or refused with a hint', (t) => {
  const pieces = fc.constantFrom(
    'dicom',
    'https',
    'file',
    ':',
    '//',
    '@',
    '[',
    ']',
    '%',
    '\0',
    'A',
    '99999',
  )
  const text = fc.oneof(
    fc.string(),
    fc.array(pieces).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(text, (url) => {
      try {
        const { target } = read(url)
        return !('port' in target) || (target.port > 0 && target.port < 65536)
      } catch (error) {
        const { code, hint, exitCode } = error as Record<string, unknown>
        return code === 'E_DESTINATION' && hint !== undefined && exitCode === ExitCode.usage
      }
    }),
  )
  t.end()
})

t.test('what a destination cannot do is refused', (t) => {
  const refused = (url: string, more: object, message: RegExp) =>
    t.throws(() => read(url, more), { code: 'E_DESTINATION', message })
  refused('file:/a', { verify: 'commitment' }, /commitment/)
  t.equal(read('dicom://A@host', { verify: 'commitment' }).verify, 'commitment')
  refused('file:/a', { window: '20:00-20:00' }, /begins when it ends/)
  refused('file:/a', { window: '20:00-24:00' }, /no clock shows/)
  refused('file:/a', { verify: 'find' }, /folder/)
  refused('dicom://A@host', { callingAET: 'back\\slash' }, /calling AE title/)
  refused('https://me:secret@host/x', {}, /a secret in a URL/)
  refused('https://host/x?token=1', {}, /more than a path/)
  refused('https://host', { tokenFile: '/no/such' }, /tokenFile \/no\/such cannot be read/)
  refused('https://host', { tokenFile: '/etc/hostname' }, /others may read the tokenFile/)
  const tokenFile = join(temporary(), 'token')
  writeFileSync(tokenFile, 'x', { mode: 0o600 })
  refused('http://host', { tokenFile }, /tokenFile would cross the network/)
  t.match(read('http://[::1]:80', { tokenFile }).target, { tokenFile })
  refused('https://host', { tokenFile, passwordFile: tokenFile }, /two secrets/)
  refused('dicoms://A@host', { caFile: '/no/such.pem' }, /caFile \/no\/such.pem cannot be read/)
  t.end()
})

t.test('a bucket: where it is, and what is not taken', (t) => {
  const credentialsFile = join(temporary(), 'credentials')
  writeFileSync(credentialsFile, 'x', { mode: 0o600 })
  const endpoint = 'https://minio.example.org:9000/'
  for (const [url, more, root, prefix] of [
    [
      's3://images/a/b/',
      { region: 'eu-north-1' },
      'https://images.s3.eu-north-1.amazonaws.com',
      'a/b/',
    ],
    ['s3://im.ages', { region: 'us-east-1' }, 'https://s3.us-east-1.amazonaws.com/im.ages', ''],
    ['S3://images/a%20b', { endpoint }, 'https://minio.example.org:9000/images', 'a b/'],
    ['s3://images', { endpoint, pathStyle: false }, 'https://images.minio.example.org:9000', ''],
  ] as const) {
    t.match(read(url, { credentialsFile, ...more }).target, { kind: 's3', root, prefix }, url)
  }
  const at = (host: string) => read('s3://x1/y', { credentialsFile, endpoint: host }).url
  t.not(at('https://a'), at('https://b'), 'the same name at another store is another place')
  const refused = (url: string, more: object, message: RegExp) =>
    t.throws(() => read(url, { credentialsFile, ...more }), { code: 'E_DESTINATION', message })
  refused('s3://images', {}, /neither endpoint nor region/)
  refused('s3://images/../x', { endpoint }, /prefix/)
  refused('s3://key:secret@images', { endpoint }, /no address/)
  refused('s3://images', { endpoint: 'http://minio.example.org' }, /cross the network/)
  refused('s3://images', { endpoint: 'https://a:b@host' }, /a secret in a URL/)
  refused('s3://images', { endpoint, credentialsFile: '/etc/hostname' }, /others may read/)
  refused('s3://images', { endpoint, credentialsFile: undefined }, /credentialsFile is missing/)
  refused('s3://images', { endpoint, verify: 'commitment' }, /commitment/)
  refused('s3://images', { endpoint, transcode: 'lossless' }, /objects go as they are/)
  refused('s3://images', { endpoint, packages: 'tgz' }, /packages go as files/)
  t.equal(read('dicom://A@host', { transcode: 'lossless' }).transcode, 'lossless')
  t.end()
})

t.test('waits grow to their limit and never beyond', (t) => {
  const retry = { max: 12, delaySeconds: 30, multiplier: 2, maxDelaySeconds: 3600 }
  t.equal(backoffMs(retry, 1, 0), 30_000)
  t.equal(backoffMs(retry, 4, 0), 240_000)
  t.equal(backoffMs(retry, 1000, 0), 3_600_000)
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (n, chance) => {
        const ms = backoffMs(retry, n, chance)
        return ms >= 27_000 && ms <= 3_600_000
      },
    ),
  )
  t.end()
})
