import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type WebAnswer, type WebBody, WebClient } from '../../../dicomweb/index.ts'
import { FionaError } from '../../../error/index.ts'
import type { S3Target } from '../../destination.ts'
import { type Credentials, readCredentials } from './credentials.ts'
import { s3Trouble } from './s3-trouble.ts'

/** Answers are short: of uploads that were left, some. */
const usualAnswerBytes = 1 << 20

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  /** Of an object; absent for the bucket itself. */
  readonly key?: string
  /** Sorted as it will be signed: `partNumber=1&uploadId=x`. */
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: WebBody
  /** Of the body, hex; of none, unless given. */
  readonly sha256?: string
  /** Statuses that are answers, beside success. */
  readonly expects?: readonly number[]
  readonly mostAnswerBytes?: number
  readonly signal: AbortSignal
}

const nothing = createHash('sha256').digest('hex')

/**
 * Requests to one bucket, each signed with what the credentials file has at that moment (AWS Signature Version 4). The signature covers the
 * SHA-256 of the body, so that a store that takes it has taken these very bytes.
 */
export class S3Store {
  readonly #target: S3Target
  readonly #client: WebClient

  constructor(target: S3Target, timeoutSeconds: number, connections: number) {
    const { root, caFile } = (this.#target = target)
    this.#client = new WebClient({ root, caFile, timeoutSeconds, connections })
  }

  /** What messages call it: the bucket's address. */
  get peer(): string {
    return this.#target.root
  }

  /** @throws FionaError as `WebClient.request` and `s3Trouble`; E_SECRET */
  async ask(request: S3Request): Promise<WebAnswer> {
    const { credentialsFile } = this.#target
    const credentials = await readCredentials(credentialsFile)
    const answer = await this.#send(request, credentials)
    if (this.#isExpected(request, answer)) return answer
    // They may have been renewed after we read them.
    const renewed = answer.status === 403 ? await readCredentials(credentialsFile) : credentials
    if (isDeepStrictEqual(renewed, credentials)) throw s3Trouble(this.peer, answer)
    const again = await this.#send(request, renewed)
    if (this.#isExpected(request, again)) return again
    throw s3Trouble(this.peer, again)
  }

  /** Closes what was kept. It can be used again. */
  close(): void {
    this.#client.close()
  }

  #isExpected({ expects = [] }: S3Request, { status }: WebAnswer): boolean {
    return (status >= 200 && status < 300) || expects.includes(status)
  }

  async #send(request: S3Request, credentials: Credentials): Promise<WebAnswer> {
    const { method, body, sha256 = nothing, signal, mostAnswerBytes = usualAnswerBytes } = request
    const path = pathOf(request)
    const { host, pathname, search } = new URL(`${this.peer}/${path}`)
    // Only who sends to a store needs it.
    const { default: aws4 } = await import('aws4')
    const signed = aws4.sign(
      {
        service: 's3',
        region: this.#target.region,
        method,
        path: `${pathname}${search}`,
        headers: { Host: host, 'X-Amz-Content-Sha256': sha256, ...request.headers },
      },
      credentials,
    )
    const headers = Object.fromEntries(
      Object.entries(signed.headers ?? {}).map(([name, value]) => [name, String(value)]),
    )
    return this.#client.request({
      method,
      path,
      accept: '*/*',
      headers,
      body,
      mostAnswerBytes,
      signal,
    })
  }
}

function pathOf({ key, query }: S3Request): string {
  const name = key === undefined ? '' : key.split('/').map(encoded).join('/')
  return query === undefined ? name : `${name}?${query}`
}

/** As signatures want it: all but the unreserved characters of RFC 3986. */
export function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** A body that is held in memory. */
export function textBody(text: string): { readonly body: WebBody; readonly sha256: string } {
  const bytes = Buffer.from(text)
  return {
    body: { contentType: 'text/plain', length: bytes.length, write: (take) => take(bytes) },
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }
}

export function isS3Trouble(error: unknown, ...codes: readonly string[]): error is FionaError {
  return error instanceof FionaError && codes.includes(error.code)
}
