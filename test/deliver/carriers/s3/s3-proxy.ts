// What may stand between FIONA and a store, and go wrong. It passes on every request as it is, unless a test has it do something else.
import { once } from 'node:events'
import {
  createServer,
  request as ask,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TlsOptions } from 'node:tls'
import aws4 from 'aws4'
import { region, researcher, type SwiftStore } from './swift-store.ts'

export interface Passing {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
}

/** What becomes of one request. */
export type Fate =
  | 'pass'
  /** The store gets all of it, and its answer gets lost. */
  | 'lose the answer'
  /** The connection breaks while the body comes. */
  | 'break'
  | { readonly status: number; readonly code?: string; readonly headers?: Record<string, string> }

export class S3Proxy {
  readonly seen: Passing[] = []
  /** Decides, for the requests that come. */
  fate: (passing: Passing) => Fate = () => 'pass'
  /**
   * As stores that know conditions do: what is there is kept when a request says so (If-None-Match). Swift knows none, so the proxy looks,
   * and signs anew without them. `ignored`: as stores do that do not know the header and do not say so.
   */
  conditions: 'as the store' | 'kept' | 'ignored' = 'as the store'
  readonly #store: SwiftStore
  readonly #server: Server

  readonly #isSecure: boolean

  private constructor(store: SwiftStore, tls: TlsOptions | undefined) {
    this.#store = store
    this.#isSecure = tls !== undefined
    const serve = (request: IncomingMessage, answer: ServerResponse): void => {
      void this.#serve(request, answer)
    }
    this.#server = tls === undefined ? createServer(serve) : createSecureServer(tls, serve)
  }

  /** @param tls of the one before the store, which has none */
  static async before(store: SwiftStore, tls?: TlsOptions): Promise<S3Proxy> {
    const proxy = new S3Proxy(store, tls)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get endpoint(): string {
    const { port } = this.#server.address() as AddressInfo
    return `${this.#isSecure ? 'https' : 'http'}://127.0.0.1:${String(port)}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #serve(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request
    const passing = { method, url, headers }
    this.seen.push(passing)
    request.on('error', () => undefined)
    const fate = this.fate(passing)
    if (fate === 'break') {
      request.once('data', () => request.socket.destroy())
      return
    }
    if (typeof fate === 'object') {
      request.resume()
      await once(request, 'end').catch(() => undefined)
      const code = fate.code === undefined ? '' : `<Error><Code>${fate.code}</Code></Error>`
      answer.writeHead(fate.status, fate.headers).end(method === 'HEAD' ? '' : code)
      return
    }
    const isConditional = headers['if-none-match'] !== undefined
    if (isConditional && this.conditions === 'kept') {
      const [path = ''] = url.split('?')
      if ((await this.#store.request('HEAD', path)).ok) {
        request.resume()
        await once(request, 'end').catch(() => undefined)
        answer.writeHead(412).end('<Error><Code>PreconditionFailed</Code></Error>')
        return
      }
    }
    await this.#pass(request, answer, fate === 'lose the answer')
  }

  async #pass(request: IncomingMessage, answer: ServerResponse, isLost: boolean): Promise<void> {
    const { method = '', url = '', headers } = request
    const outgoing = ask({
      host: '127.0.0.1',
      port: this.#store.port,
      method,
      path: url,
      headers: this.conditions === 'as the store' ? headers : this.#signedAnew(request),
    })
    outgoing.on('error', () => answer.destroy())
    request.pipe(outgoing)
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
    if (isLost) {
      incoming.resume()
      await once(incoming, 'end')
      request.socket.destroy()
      return
    }
    answer.writeHead(incoming.statusCode ?? 500, incoming.headers)
    incoming.pipe(answer)
  }

  #signedAnew({ method = '', url = '', headers }: IncomingMessage): Record<string, string> {
    const others = { ...headers }
    delete others['if-none-match']
    delete others.authorization
    const signed = aws4.sign(
      { service: 's3', region, method, path: url, headers: others },
      researcher,
    )
    return signed.headers as Record<string, string>
  }
}
