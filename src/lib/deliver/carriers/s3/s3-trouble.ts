import type { WebAnswer } from '../../../dicomweb/index.ts'
import { ExitCode, FionaError } from '../../../error/index.ts'
import { visibleText } from '../../../text/index.ts'
import { elementText } from './answer-text.ts'

/** Codes are words of letters; nothing longer is repeated. */
const longestCode = 64

type Kind = 'credentials' | 'rights' | 'bucket' | 'clock' | 'full' | 'object' | 'passing'

/** What the codes of a store come to; of others the status decides. Those of MinIO begin with XMinio. */
const kinds: Readonly<Record<string, Kind>> = {
  InvalidAccessKeyId: 'credentials',
  SignatureDoesNotMatch: 'credentials',
  ExpiredToken: 'credentials',
  InvalidToken: 'credentials',
  TokenRefreshRequired: 'credentials',
  AccessDenied: 'rights',
  AccountProblem: 'rights',
  AllAccessDisabled: 'rights',
  NoSuchBucket: 'bucket',
  InvalidBucketName: 'bucket',
  PermanentRedirect: 'bucket',
  TemporaryRedirect: 'bucket',
  AuthorizationHeaderMalformed: 'bucket',
  IllegalLocationConstraintException: 'bucket',
  RequestTimeTooSkewed: 'clock',
  RequestExpired: 'clock',
  QuotaExceeded: 'full',
  XMinioStorageFull: 'full',
  XMinioAdminBucketQuotaExceeded: 'full',
  EntityTooLarge: 'object',
  KeyTooLongError: 'object',
  InvalidObjectState: 'object',
  // What came there was not what we sent, or something else went on with the same name.
  BadDigest: 'passing',
  XAmzContentSHA256Mismatch: 'passing',
  XAmzContentChecksumMismatch: 'passing',
  IncompleteBody: 'passing',
  RequestTimeout: 'passing',
  ConditionalRequestConflict: 'passing',
  OperationAborted: 'passing',
  NoSuchKey: 'passing',
  NoSuchUpload: 'passing',
  SlowDown: 'passing',
}

const kindOfStatus: Readonly<Record<number, Kind>> = {
  301: 'bucket',
  307: 'bucket',
  401: 'credentials',
  403: 'rights',
  404: 'bucket',
  408: 'passing',
  409: 'passing',
  412: 'passing',
  413: 'object',
  429: 'passing',
  507: 'full',
}

/** Too many requests: the store is left alone for as long as any other trouble would have it. */
const slowDown = new Set([429, 503])

/**
 * What an answer of a store that is no success means. Of its words only the code is told.
 * @param root the bucket's address
 */
export function s3Trouble(
  root: string,
  { status, body, headers, ...answer }: WebAnswer,
): FionaError {
  const xml = body.toString('utf8')
  const code = visibleText((elementText(xml, 'Code') ?? '').slice(0, longestCode))
  const said = `${root} answered with ${String(status)}${code === '' ? '' : ` (${code})`}`
  const known = Object.hasOwn(kinds, code) ? kinds[code] : undefined
  const kind = known ?? kindOfStatus[status] ?? (status >= 500 ? 'passing' : 'object')
  switch (kind) {
    case 'credentials':
    case 'rights':
      return notAllowed(said, kind)
    case 'bucket':
      return wrongBucket(said, headers['x-amz-bucket-region'] ?? elementText(xml, 'Region'))
    case 'clock':
      return wrongClock(root, headers.date)
    case 'object':
      return new FionaError('E_REFUSED', said, {
        hint: 'the store does not take this object: see its log',
        exitCode: ExitCode.unavailable,
      })
    case 'full':
    case 'passing':
      return new FionaError('E_S3', said, {
        hint:
          kind === 'full'
            ? 'there is no room: whoever runs the store must make some, or raise the quota'
            : 'see its log, if it stays so',
        retryable: true,
        retryAfterSeconds:
          answer.retryAfterSeconds ?? (kind === 'full' || slowDown.has(status) ? 1 : undefined),
        exitCode: ExitCode.unavailable,
      })
  }
}

function notAllowed(said: string, kind: 'credentials' | 'rights'): FionaError {
  return new FionaError('E_S3_NOT_ALLOWED', said, {
    hint:
      kind === 'credentials'
        ? 'are the keys in credentialsFile right and not run out, and is the region?'
        : 'the key must be allowed s3:PutObject below the prefix; s3:GetObject and s3:ListBucket where the store asks for them, too (docs/delivery.md)',
    exitCode: ExitCode.notAllowed,
  })
}

function wrongBucket(said: string, region: string | string[] | undefined): FionaError {
  const place = typeof region === 'string' ? visibleText(region.slice(0, longestCode)) : ''
  return new FionaError('E_S3_BUCKET', said, {
    hint:
      place === ''
        ? 'is there a bucket of that name at this endpoint and in this region? FIONA makes none. Some stores want pathStyle: false'
        : `the bucket is in the region ${place}: write region: ${place}`,
    exitCode: ExitCode.badConfig,
  })
}

/** Signatures hold for a quarter of an hour, by the clock of the store. */
function wrongClock(root: string, date: string | undefined): FionaError {
  const apart = Math.round((Date.now() - Date.parse(date ?? '')) / 60_000)
  const words = Number.isNaN(apart)
    ? 'our clock and that of the store differ'
    : `our clock is ${String(Math.abs(apart))} minutes ${apart > 0 ? 'ahead of' : 'behind'} that of the store`
  return new FionaError('E_CLOCK', `${root} takes nothing from us: ${words}`, {
    hint: 'set the clock, with chrony or systemd-timesyncd',
    exitCode: ExitCode.notAllowed,
  })
}

/** The store says that something is there, and then that it is not. */
export function changedMeanwhile(root: string): FionaError {
  return new FionaError('E_S3', `${root}: an object changed while we looked at it`, {
    hint: 'does somebody else write there?',
    retryable: true,
    exitCode: ExitCode.unavailable,
  })
}

export function notUnderstood(root: string, what: string): FionaError {
  return new FionaError('E_WEB_PROTOCOL', `${root} does not answer as an S3 store: ${what}`, {
    hint: 'is endpoint the address of its S3 interface? What answers may be a console or a login page',
    exitCode: ExitCode.badInput,
  })
}
