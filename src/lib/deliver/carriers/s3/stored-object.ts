import { createHash } from 'node:crypto'
import type { FileInParts } from './file-parts.ts'
import type { S3Store } from './s3-store.ts'
import { changedMeanwhile, notUnderstood } from './s3-trouble.ts'

/** Read back at once. */
const pieceBytes = 4 << 20

/** What a store says of an object. */
export interface StoredObject {
  readonly size: number
  /** As it is given, quoted; the MD5 of what came in one piece and was not encrypted with a key of its own. */
  readonly etag: string
  /** Hex, where the store keeps it. */
  readonly sha256: string | undefined
}

/** @returns undefined when there is none. @throws FionaError as `S3Store.ask` */
export async function lookAt(
  store: S3Store,
  key: string,
  signal: AbortSignal,
): Promise<StoredObject | undefined> {
  const { status, headers } = await store.ask({
    method: 'HEAD',
    key,
    headers: { 'x-amz-checksum-mode': 'ENABLED' },
    expects: [404],
    signal,
  })
  if (status === 404) return undefined
  const size = Number(headers['content-length'])
  if (!Number.isSafeInteger(size)) throw notUnderstood(store.peer, 'an object has no length')
  const sum = headers['x-amz-checksum-sha256']
  // With a number behind it, it is one of sums, of an object that came in parts.
  const isWhole = typeof sum === 'string' && /^[A-Za-z0-9+/]{43}=$/.test(sum)
  return {
    size,
    etag: headers.etag ?? '',
    sha256: isWhole ? Buffer.from(sum, 'base64').toString('hex') : undefined,
  }
}

/** Does the store have these very bytes? Where it does not say so itself, `digestThere` knows. */
export function saysItIs({ size, etag, sha256 }: StoredObject, file: FileInParts): boolean {
  if (size !== file.size) return false
  if (sha256 !== undefined) return sha256 === file.sha256
  const [only, ...others] = file.parts
  return others.length === 0 && etag.replace(/"/g, '').toLowerCase() === only?.md5
}

/** SHA-256 of what lies there, hex: read back in pieces, unless the store knows it. */
export async function digestThere(
  store: S3Store,
  key: string,
  there: StoredObject,
  signal: AbortSignal,
): Promise<string> {
  if (there.sha256 !== undefined) return there.sha256
  const hash = createHash('sha256')
  for (let at = 0; at < there.size; at += pieceBytes) {
    const bytes = Math.min(pieceBytes, there.size - at)
    const { status, headers, body } = await store.ask({
      method: 'GET',
      key,
      headers: { Range: `bytes=${String(at)}-${String(at + bytes - 1)}` },
      mostAnswerBytes: pieceBytes,
      signal,
    })
    const isWhole = status === 200 && bytes === there.size
    if (status !== 206 && !isWhole) throw notUnderstood(store.peer, 'it gives no ranges')
    if (headers.etag !== there.etag || body.length !== bytes) throw changedMeanwhile(store.peer)
    hash.update(body)
  }
  return hash.digest('hex')
}
