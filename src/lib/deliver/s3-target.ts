import type { DestinationConfig } from '../config/index.ts'
import { type Refuse, decode, loopback, pemFiles, requireSecret } from './target-settings.ts'

/** Objects are put into a bucket of an S3 store. */
export interface S3Target {
  readonly kind: 's3'
  /** Of the bucket, without a slash at its end: `https://host/bucket`, or `https://bucket.host`. */
  readonly root: string
  readonly bucket: string
  /** Before every name: empty, or with a slash at its end. */
  readonly prefix: string
  readonly region: string
  readonly credentialsFile: string
  readonly caFile?: string | undefined
  /** Larger objects go in parts of this size. */
  readonly partBytes: number
}

/** So many fit into one request of any store, and few objects are larger. */
const usualPartBytes = 128 << 20

/**
 * @param refuse makes the error that tells of a mistake
 * @throws what `refuse` makes
 */
export function readS3(settings: DestinationConfig, refuse: Refuse): S3Target {
  const { bucket, prefix } = readAddress(settings.url, refuse)
  const { credentialsFile, caFile, endpoint, region, partBytes = usualPartBytes } = settings
  if (endpoint === undefined && region === undefined) {
    throw refuse(
      'neither endpoint nor region is there',
      'name the endpoint of the store (https://minio.example.org), or the region at Amazon (eu-north-1)',
    )
  }
  if (credentialsFile === undefined) {
    throw refuse(
      'credentialsFile is missing',
      'name a file of mode 0600 with aws_access_key_id = … and aws_secret_access_key = …, each on a line',
    )
  }
  requireSecret('credentialsFile', credentialsFile, refuse)
  const at = readEndpoint(endpoint ?? `https://s3.${region ?? ''}.amazonaws.com`, refuse)
  // Where names of buckets are names of hosts is not known of a store; and a certificate for all buckets covers no dots.
  const pathStyle = settings.pathStyle ?? (endpoint !== undefined || bucket.includes('.'))
  const root = pathStyle
    ? `${at.origin}${at.pathname}/${bucket}`
    : `${at.protocol}//${bucket}.${at.host}${at.pathname}`
  return {
    kind: 's3',
    root,
    bucket,
    prefix,
    region: region ?? 'us-east-1',
    credentialsFile,
    ...(caFile === undefined ? {} : pemFiles({ caFile }, refuse)),
    partBytes,
  }
}

function readAddress(url: string, refuse: Refuse): { bucket: string; prefix: string } {
  const parts = /^s3:\/\/([^/?#@]*)(?:\/([^?#]*))?$/i.exec(url)
  const [, bucket = '', path = ''] = parts ?? []
  if (parts === null) throw refuse('this is no address', 'use s3://bucket/prefix')
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(bucket)) {
    throw refuse('this is no name of a bucket', 'use s3://bucket/prefix')
  }
  const names = decode(path).replace(/\/+$/, '').split('/')
  const isEmpty = names.length === 1 && names[0] === ''
  const isOdd = (name: string): boolean =>
    name === '' || name === '.' || name === '..' || /[\x00-\x1f\x7f]/.test(name)
  if (!isEmpty && names.some(isOdd)) {
    throw refuse('the prefix has empty names, . or .. in it', 'use s3://bucket/prefix')
  }
  return { bucket, prefix: isEmpty ? '' : `${names.join('/')}/` }
}

interface Endpoint {
  readonly origin: string
  readonly protocol: string
  readonly host: string
  /** Without a slash at its end. */
  readonly pathname: string
}

function readEndpoint(text: string, refuse: Refuse): Endpoint {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const { protocol, host, hostname, origin, username, password, search, hash } = url ?? {}
  if (url === undefined || (protocol !== 'https:' && protocol !== 'http:')) {
    throw refuse('the endpoint is no address', 'use endpoint: https://host:port')
  }
  if (username !== '' || password !== '') {
    throw refuse('a secret in a URL is seen by everybody', 'write it into credentialsFile')
  }
  if (search !== '' || hash !== '') {
    throw refuse('the endpoint has more than a path', 'use endpoint: https://host:port')
  }
  if (protocol === 'http:' && !loopback.test(hostname ?? '')) {
    throw refuse(
      'objects would cross the network for all to read and to change',
      'use https:, and name caFile if the store has a certificate of your own authority',
    )
  }
  return {
    origin: origin ?? '',
    protocol,
    host: host ?? '',
    pathname: url.pathname.replace(/\/+$/, ''),
  }
}

/** One spelling for one place: the same bucket name at another store is another place. */
export function s3Url({ root, prefix }: S3Target): string {
  return `s3+${root}/${encodeURI(prefix)}`.replace(/\/+$/, '')
}
