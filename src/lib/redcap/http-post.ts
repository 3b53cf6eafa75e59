import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { isTrustProblem } from '../error/index.ts'
import { AnswerTooLong, readWhole, retryAfterSeconds } from '../http/index.ts'
import { down, untrusted } from './redcap-error.ts'

// Node's own https and not fetch: fetch can be given neither a certificate authority of the site nor a limit for
// what it reads into memory without the package undici, and it follows redirects, which would carry a token to
// wherever an answer says.

/** What came back, whatever it is. */
export interface HttpAnswer {
  readonly status: number
  readonly contentType: string
  /** Seconds, where it asked for a pause. */
  readonly retryAfterSeconds: number | undefined
  readonly body: Buffer
}

export interface HttpLimits {
  /** From the beginning to the last byte of the answer. */
  readonly timeoutSeconds: number
  readonly mostAnswerBytes: number
}

/** Sends one form and reads the whole answer. */
export type Post = (form: URLSearchParams, signal: AbortSignal) => Promise<HttpAnswer>

export interface Endpoint {
  readonly post: Post
  close(): void
}

/**
 * @param ca PEM certificates that are trusted, and no others; those of Node and of `NODE_EXTRA_CA_CERTS` unless given
 */
export function openEndpoint(url: string, limits: HttpLimits, ca?: readonly string[]): Endpoint {
  const target = new URL(url)
  const isSecure = target.protocol === 'https:'
  // One connection is enough: calls go one after the other, and REDCap counts them by address.
  const settings = { keepAlive: true, maxSockets: 1, maxFreeSockets: 1 }
  const agent = isSecure
    ? new HttpsAgent({ ...settings, ...(ca === undefined ? {} : { ca: [...ca] }) })
    : new HttpAgent(settings)
  const send = isSecure ? httpsRequest : httpRequest
  const post: Post = (form, signal) =>
    new Promise((resolve, reject) => {
      const body = Buffer.from(form.toString())
      const deadline = AbortSignal.timeout(Math.ceil(limits.timeoutSeconds * 1000))
      const fail = (error: unknown): void => {
        if (signal.aborted) reject(signal.reason as Error)
        else reject(describe(error, target, deadline.aborted, limits))
      }
      const request = send(target, {
        method: 'POST',
        agent,
        signal: AbortSignal.any([signal, deadline]),
        headers: {
          'Content-Type': 'application/x-www-form-urlencoded',
          'Content-Length': body.length,
          Accept: 'application/json',
          'User-Agent': 'FIONA',
        },
      })
      request.on('error', fail)
      request.on('response', (response) => {
        readAnswer(response, limits.mostAnswerBytes).then(resolve, fail)
      })
      request.end(body)
    })
  return {
    post,
    close() {
      agent.destroy()
    },
  }
}

async function readAnswer(response: IncomingMessage, mostBytes: number): Promise<HttpAnswer> {
  const { statusCode: status = 0, headers } = response
  return {
    status,
    contentType: headers['content-type'] ?? '',
    retryAfterSeconds: retryAfterSeconds(headers['retry-after']),
    body: await readWhole(response as AsyncIterable<Buffer> & IncomingMessage, mostBytes),
  }
}

function describe(error: unknown, { host }: URL, isLate: boolean, limits: HttpLimits): Error {
  if (isLate)
    return down(`REDCap at ${host} did not answer within ${String(limits.timeoutSeconds)} s`)
  if (error instanceof AnswerTooLong) {
    return down(`REDCap's answer is longer than ${String(error.mostBytes)} bytes`)
  }
  const { code = 'unknown' } = error as NodeJS.ErrnoException
  if (isTrustProblem(code)) return untrusted(host, code, error)
  return down(
    code === 'ECONNRESET'
      ? `REDCap at ${host} broke off the connection before its answer was whole`
      : `REDCap at ${host} cannot be reached (${code})`,
    error,
  )
}
