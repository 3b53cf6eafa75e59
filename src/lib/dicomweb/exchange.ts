import { type Agent, type ClientRequest, type IncomingMessage, request as plain } from 'node:http'
import { request as secure } from 'node:https'
import { ExitCode, FionaError, isTlsTrouble, noSecureConnection } from '../error/index.ts'
import { retryAfterSeconds } from '../http/index.ts'
import type { WebAnswer, WebRequest } from './web-client.ts'

interface Way {
  readonly url: URL
  readonly agent: Agent
  readonly timeoutSeconds: number
  readonly authorization: string | undefined
  readonly peer: string
}

/**
 * One request and its answer. Each wait has its time; the answer is bounded in bytes and, whole, in time. A
 * service that answers before it has read all has said what it has to say: no more is sent.
 */
export class Exchange {
  readonly #request: WebRequest
  readonly #way: Way
  readonly #outgoing: ClientRequest
  readonly #watch: NodeJS.Timeout
  readonly #answered: Promise<IncomingMessage>
  readonly #onStop = (): void => {
    this.#fail(stopped(this.#way.peer))
  }
  #reject: (error: unknown) => void = () => undefined
  #awaited = 'no connection'
  #failure: FionaError | undefined
  #isConnected = false
  #hasAnswered = false

  constructor(request: WebRequest, way: Way) {
    this.#request = request
    this.#way = way
    const { method, accept, headers, body, signal } = request
    const { url, agent, authorization, timeoutSeconds } = way
    this.#outgoing = (url.protocol === 'http:' ? plain : secure)(url, {
      method,
      agent,
      headers: {
        Accept: accept,
        ...headers,
        ...(authorization === undefined ? {} : { Authorization: authorization }),
        ...(body === undefined
          ? {}
          : { 'Content-Type': body.contentType, 'Content-Length': String(body.length) }),
      },
    })
    this.#watch = setTimeout(() => {
      this.#fail(timedOut(way.peer, this.#awaited, timeoutSeconds))
    }, timeoutSeconds * 1000)
    this.#answered = new Promise((resolve, reject) => {
      this.#reject = reject
      this.#outgoing.once('response', (answer) => {
        this.#hasAnswered = true
        resolve(answer)
      })
    })
    this.#answered.catch(() => undefined)
    this.#outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // It said what it had to say, and hung up on the rest.
      if (!this.#hasAnswered) this.#fail(this.#lost(error))
    })
    this.#outgoing.once('socket', (socket) => {
      this.#isConnected = this.#outgoing.reusedSocket
      if (this.#isConnected) return
      socket.once(url.protocol === 'http:' ? 'connect' : 'secureConnect', () => {
        this.#isConnected = true
      })
    })
    if (signal.aborted) this.#onStop()
    else signal.addEventListener('abort', this.#onStop, { once: true })
  }

  /** Whether it went over a connection that had served another request. */
  get isOnKeptConnection(): boolean {
    return this.#outgoing.reusedSocket
  }

  async run(): Promise<WebAnswer> {
    try {
      const wasSent = await this.#send()
      this.#await('no answer')
      const answer = await this.#answered
      return await this.#read(answer, wasSent)
    } catch (error) {
      // What is thrown by the body leaves half a request on the way.
      this.#outgoing.destroy()
      throw error
    } finally {
      clearTimeout(this.#watch)
      this.#request.signal.removeEventListener('abort', this.#onStop)
    }
  }

  /** @returns false when it was answered before all was sent */
  async #send(): Promise<boolean> {
    const outgoing = this.#outgoing
    const answeredEarly = this.#answered.then(() => undefined)
    answeredEarly.catch(() => undefined)
    try {
      await this.#request.body?.write(async (bytes) => {
        if (this.#failure !== undefined) throw this.#failure
        if (this.#hasAnswered) throw new AnsweredEarly()
        this.#await('data were not taken')
        let isTaken = false
        const taken = new Promise<void>((resolve) => {
          outgoing.write(bytes, () => {
            isTaken = true
            resolve()
          })
        })
        await Promise.race([taken, answeredEarly])
        // The buffer is still on its way, and this connection of no more use.
        if (!isTaken) throw new AnsweredEarly()
      })
    } catch (error) {
      if (error instanceof AnsweredEarly) return false
      throw error
    }
    outgoing.end()
    return true
  }

  async #read(answer: IncomingMessage, wasSent: boolean): Promise<WebAnswer> {
    // From here on for all of it: who answers byte by byte shall not keep us for ever.
    this.#await('the answer did not end')
    const { statusCode: status = 0, headers } = answer
    const chunks: Buffer[] = []
    let bytes = 0
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        bytes += chunk.length
        if (bytes > this.#request.mostAnswerBytes) throw tooLong(this.#way.peer)
        chunks.push(chunk)
      }
    } catch (error) {
      if (error instanceof FionaError) throw error
      if (this.#failure !== undefined) throw this.#failure
      // That it was refused is known, and the words behind it matter to nobody.
      if (status < 300) throw this.#lost(error as NodeJS.ErrnoException)
    } finally {
      if (!wasSent) this.#outgoing.destroy()
    }
    const [contentType = ''] = (headers['content-type'] ?? '').split(';')
    return {
      status,
      contentType: contentType.trim().toLowerCase(),
      body: Buffer.concat(chunks),
      headers,
      retryAfterSeconds: retryAfterSeconds(headers['retry-after']),
      location: headers.location,
    }
  }

  #await(what: string): void {
    this.#awaited = what
    this.#watch.refresh()
  }

  #fail(error: FionaError): void {
    this.#failure ??= error
    this.#reject(this.#failure)
    this.#outgoing.destroy()
  }

  #lost(error: NodeJS.ErrnoException): FionaError {
    const { peer } = this.#way
    const code = error.code ?? error.name
    const unavailable = { retryable: true, exitCode: ExitCode.unavailable, cause: error }
    if (isTlsTrouble(code) || code.startsWith('EPROTO')) return noSecureConnection(peer, error)
    if (code.startsWith('HPE_')) {
      return new FionaError(
        'E_WEB_PROTOCOL',
        `what answers at ${peer} does not speak HTTP (${code})`,
        {
          hint: 'is this the port of the web service, and is it https: or http:?',
          exitCode: ExitCode.badInput,
          cause: error,
        },
      )
    }
    if (!this.#isConnected) {
      return new FionaError('E_CONNECT', `nobody answers at ${peer} (${code})`, {
        hint: 'is it running, and are host and port right? Is a firewall between?',
        ...unavailable,
      })
    }
    return new FionaError(
      'E_WEB_LOST',
      `the connection to ${peer} broke before an answer (${code})`,
      unavailable,
    )
  }
}

/** The end of sending, not an error. */
class AnsweredEarly extends Error {}

function stopped(peer: string): FionaError {
  return new FionaError('E_STOPPED', `the request to ${peer} was given up: we were stopped`, {
    retryable: true,
    exitCode: ExitCode.tryAgain,
  })
}

function timedOut(peer: string, what: string, seconds: number): FionaError {
  return new FionaError('E_TIMEOUT', `${peer}: ${what} within ${String(seconds)} s`, {
    retryable: true,
    exitCode: ExitCode.unavailable,
  })
}

function tooLong(peer: string): FionaError {
  return new FionaError(
    'E_WEB_PROTOCOL',
    `${peer} gives an answer that is longer than any should be`,
    {
      hint: 'is this the address of the service?',
      exitCode: ExitCode.badInput,
    },
  )
}
