import { readFile } from 'node:fs/promises'
import { type IncomingHttpHeaders, Agent as PlainAgent } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import { readSecret } from '../config/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import { Exchange } from './exchange.ts'

/** A DICOMweb service and how to get in. */
export interface WebService {
  /** The DICOMweb root, `https://host/dicom-web`, without a slash at its end. */
  readonly root: string
  /** PEM files. Without `caFile` the system's certificates are trusted; NODE_EXTRA_CA_CERTS adds to them. */
  readonly caFile?: string | undefined
  readonly certFile?: string | undefined
  readonly keyFile?: string | undefined
  /** A bearer token (RFC 6750). */
  readonly tokenFile?: string | undefined
  /** `user:password` (RFC 7617). */
  readonly passwordFile?: string | undefined
  /** For each wait: to connect, to have data taken, to be answered. */
  readonly timeoutSeconds: number
  /** Connections at once, all of which are kept for the next request. */
  readonly connections: number
}

/** What is sent with a request. It may be asked for its bytes again, when the first way broke. */
export interface WebBody {
  readonly contentType: string
  readonly length: number
  /** @param take resolves when the kernel has the bytes: the buffer may then be used again */
  write(take: (bytes: Buffer) => Promise<void>): Promise<void>
}

export interface WebRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  /** Below the root: `studies`, or `studies?StudyInstanceUID=1.2.3`. */
  readonly path: string
  readonly accept: string
  /** Beside those that are always there. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: WebBody | undefined
  readonly mostAnswerBytes: number
  /** Aborted: given up at once. */
  readonly signal: AbortSignal
}

export interface WebAnswer {
  readonly status: number
  /** Lower case, without parameters; empty when it does not say. */
  readonly contentType: string
  readonly body: Buffer
  readonly headers: IncomingHttpHeaders
  /** What it says of when to come again, whichever way (RFC 9110 10.2.3). */
  readonly retryAfterSeconds?: number | undefined
  readonly location?: string | undefined
}

/**
 * Requests to one service over connections that are kept. Redirects are answers like others: credentials
 * and objects go nowhere but to the address that is configured.
 */
export class WebClient {
  readonly #service: WebService
  #agent: PlainAgent | undefined

  constructor(service: WebService) {
    this.#service = service
  }

  /** What messages call it. */
  get peer(): string {
    return this.#service.root
  }

  /**
   * @throws FionaError E_CONNECT, E_TLS, E_TLS_FILE, E_SECRET, E_TIMEOUT, E_WEB_LOST, E_WEB_PROTOCOL,
   *   E_STOPPED, and what the body throws. Any status is an answer
   */
  async request(request: WebRequest): Promise<WebAnswer> {
    const { root, timeoutSeconds } = this.#service
    const url = new URL(`${root}/${request.path}`)
    const agent = (this.#agent ??= await this.#open(url))
    for (let isFirst = true; ; isFirst = false) {
      const authorization = await this.#authorization()
      const exchange = new Exchange(request, {
        url,
        agent,
        timeoutSeconds,
        authorization,
        peer: root,
      })
      try {
        const answer = await exchange.run()
        // It may have been renewed after we read it.
        const isRenewed = answer.status === 401 && authorization !== (await this.#authorization())
        if (!isFirst || !isRenewed) return answer
      } catch (error) {
        const isLost = error instanceof FionaError && error.code === 'E_WEB_LOST'
        // The service closed a kept connection while we took it up: nobody's fault, and nothing was answered.
        if (!isFirst || !isLost || !exchange.isOnKeptConnection) throw error
      }
    }
  }

  /** Closes what was kept. It can be used again. */
  close(): void {
    this.#agent?.destroy()
    this.#agent = undefined
  }

  async #authorization(): Promise<string | undefined> {
    const { tokenFile, passwordFile } = this.#service
    if (tokenFile !== undefined) return `Bearer ${await readSecret(tokenFile, 'the token')}`
    if (passwordFile === undefined) return undefined
    const pair = await readSecret(passwordFile, 'user and password')
    return `Basic ${Buffer.from(pair, 'latin1').toString('base64')}`
  }

  async #open(url: URL): Promise<PlainAgent> {
    const options = { keepAlive: true, maxSockets: this.#service.connections, noDelay: true }
    if (url.protocol === 'http:') return new PlainAgent(options)
    const { caFile, certFile, keyFile } = this.#service
    const [ca, cert, key] = await Promise.all([caFile, certFile, keyFile].map(readPem))
    return new SecureAgent({
      ...options,
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    })
  }
}

async function readPem(path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined
  return readFile(path).catch((error: unknown) => {
    const code = String((error as NodeJS.ErrnoException).code)
    throw new FionaError('E_TLS_FILE', `${path} cannot be read (${code})`, {
      hint: 'caFile, certFile and keyFile are PEM files',
      exitCode: ExitCode.badConfig,
    })
  })
}
