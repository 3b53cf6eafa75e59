import t from 'tap'
import { s3Trouble } from '../../../../src/lib/deliver/carriers/s3/s3-trouble.ts'

const root = 'https://store.example.org/bucket'

function trouble(status: number, code: string, headers: Record<string, string> = {}) {
  const body = Buffer.from(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`)
  return s3Trouble(root, { status, contentType: 'application/xml', body, headers })
}

t.test('the code of a store says more than its status', (t) => {
  const cases: readonly (readonly [number, string, string, boolean])[] = [
    [403, 'SignatureDoesNotMatch', 'E_S3_NOT_ALLOWED', false],
    [403, 'RequestTimeTooSkewed', 'E_CLOCK', false],
    [403, 'QuotaExceeded', 'E_S3', true],
    [404, 'NoSuchBucket', 'E_S3_BUCKET', false],
    [404, 'NoSuchUpload', 'E_S3', true],
    [400, 'EntityTooLarge', 'E_REFUSED', false],
    [400, 'BadDigest', 'E_S3', true],
    [503, 'SlowDown', 'E_S3', true],
  ]
  for (const [status, code, expected, retryable] of cases) {
    t.match(trouble(status, code), { code: expected, retryable }, `${String(status)} ${code}`)
  }
  t.end()
})

t.test('a code that nobody knows leaves it to the status, whatever it is called', (t) => {
  for (const code of ['', 'NewWords', 'constructor', '__proto__', 'toString']) {
    t.match(trouble(403, code), { code: 'E_S3_NOT_ALLOWED' }, code)
    t.match(trouble(500, code), { code: 'E_S3', retryable: true }, code)
    t.match(trouble(400, code), { code: 'E_REFUSED' }, code)
  }
  const { message } = trouble(500, `\u001b[2J${'x'.repeat(1000)}`)
  t.notMatch(message, /\u001b/)
  t.ok(message.length < 200, 'and no more of it is told than a code has')
  t.end()
})

t.test('a bucket elsewhere, and a clock that differs, are told with what to write', (t) => {
  const moved = trouble(301, 'PermanentRedirect', { 'x-amz-bucket-region': 'eu-north-1' })
  t.match(moved.hint, /region: eu-north-1/)
  const late = new Date(Date.now() - 40 * 60_000).toUTCString()
  t.match(trouble(403, 'RequestTimeTooSkewed', { date: late }).message, /40 minutes ahead of/)
  t.end()
})
