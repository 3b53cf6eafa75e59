import type { Socket } from 'node:net'
import { FionaError } from '../error/index.ts'
import type { CommandSet } from './command-set.ts'
import { MessageReader } from './message-reader.ts'
import {
  AbortReason,
  AbortSource,
  type ControlPdu,
  ProtocolError,
  PduStream,
  PduType,
  encodeControlPdu,
} from './pdu/index.ts'
import {
  abortedBy,
  isOurCertificateRefused,
  lost,
  notConnected,
  stopped,
  timedOut,
} from './requestor-trouble.ts'

/** What comes from the peer, whole. A data set is there when the command says so. */
export type Incoming =
  | { readonly kind: 'control'; readonly pdu: ControlPdu }
  | {
      readonly kind: 'message'
      readonly contextId: number
      readonly command: CommandSet
      readonly dataSet: Buffer
    }

/** The longest PDU we take, and say so. Answers are short. */
export const announcedPduLength = 1 << 16
/** Of a query's answer. */
const maxDataSetBytes = 1 << 20
/** Answers that nobody has taken yet; with more of them, the peer has to wait. */
const mostUntaken = 64

/**
 * One connection, from the requestor's side: writes that wait until the kernel has taken the bytes,
 * reads that wait for something whole, and one end for everything that can go wrong. Whatever waits
 * when the connection fails gets the reason of that failure.
 */
export class RequestorConnection {
  readonly peer: string
  readonly timeoutSeconds: number
  readonly #socket: Socket
  readonly #signal: AbortSignal | undefined
  readonly #stream: PduStream
  readonly #incoming: Incoming[] = []
  readonly #timer: NodeJS.Timeout
  readonly #onStop = (): void => {
    this.fail(stopped(this.peer), { abort: true })
  }
  #acceptedContexts: ReadonlySet<number> = new Set()
  #dataSet: Buffer[] = []
  #dataSetBytes = 0
  #message: { contextId: number; command: CommandSet } | undefined
  #waiting: { resolve: (one: Incoming) => void; reject: (error: unknown) => void } | undefined
  #writing: ((error: FionaError) => void) | undefined
  #awaited: string | undefined
  #failure: FionaError | undefined

  constructor(
    socket: Socket,
    options: {
      readonly peer: string
      readonly timeoutSeconds: number
      readonly signal?: AbortSignal | undefined
    },
  ) {
    this.peer = options.peer
    this.timeoutSeconds = options.timeoutSeconds
    this.#socket = socket
    this.#signal = options.signal
    this.#timer = setTimeout(() => {
      if (this.#awaited !== undefined) {
        this.fail(timedOut(this.peer, this.#awaited, this.timeoutSeconds), { abort: true })
      }
    }, options.timeoutSeconds * 1000)
    this.#timer.unref()
    const messages = new MessageReader(
      {
        command: (contextId, command) => {
          this.#message = { contextId, command }
          if (messages.isAtRest) this.#arrivedMessage()
        },
        dataSet: (bytes) => {
          this.#dataSetBytes += bytes.length
          if (this.#dataSetBytes > maxDataSetBytes) {
            throw new ProtocolError(AbortReason.notSpecified, 'an answer longer than any')
          }
          this.#dataSet.push(Buffer.from(bytes))
        },
        dataSetEnd: () => {
          this.#arrivedMessage()
        },
      },
      (contextId) => this.#acceptedContexts.has(contextId),
    )
    this.#stream = new PduStream(
      {
        header: () => undefined,
        control: (pdu) => {
          if (pdu.type === PduType.Abort) this.fail(abortedBy(this.peer, pdu))
          else this.#arrived({ kind: 'control', pdu })
        },
        pdvBegin: (contextId, isCommand, isLast) => {
          messages.pdvBegin(contextId, isCommand, isLast)
        },
        pdvBytes: (bytes) => {
          messages.pdvBytes(bytes)
        },
        pdvEnd: () => {
          messages.pdvEnd()
        },
      },
      announcedPduLength,
    )
    socket.on('data', (bytes: Buffer) => {
      this.#take(bytes)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.fail(
        isOurCertificateRefused(error)
          ? notConnected(this.peer, error)
          : lost(this.peer, `connection lost (${error.code ?? error.message})`, error),
      )
    })
    // Nothing that we could still send would be answered.
    socket.on('end', () => {
      this.fail(lost(this.peer, 'it closed the connection'))
    })
    socket.on('close', () => {
      this.fail(lost(this.peer, 'the connection was closed'))
    })
    if (options.signal?.aborted === true) this.#onStop()
    else options.signal?.addEventListener('abort', this.#onStop, { once: true })
  }

  /** Contexts that may be used from now on, by either side. */
  accept(contextIds: ReadonlySet<number>): void {
    this.#acceptedContexts = contextIds
  }

  /**
   * Resolves when the kernel has the bytes: the buffers may then be used again. Several go out in one
   * piece. @throws FionaError the reason why the connection failed
   */
  write(...buffers: readonly Buffer[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure)
        return
      }
      this.#writing = reject
      this.#await('it took no data')
      const last = buffers.length - 1
      this.#socket.cork()
      buffers.forEach((buffer, index) => {
        if (index < last) this.#socket.write(buffer)
        else
          this.#socket.write(buffer, (error) => {
            // A failed write ends in `error` or `close`, which tell more.
            if (error) return
            this.#writing = undefined
            this.#awaited = undefined
            resolve()
          })
      })
      this.#socket.uncork()
    })
  }

  /**
   * The next thing from the peer.
   * @param what is waited for, as in `no answer to C-STORE`
   * @throws FionaError E_TIMEOUT, or the reason why the connection failed
   */
  next(what: string): Promise<Incoming> {
    const first = this.#incoming.shift()
    if (this.#incoming.length === 0) this.#socket.resume()
    if (first !== undefined) return Promise.resolve(first)
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#await(what)
    })
  }

  /** Nobody waits for the next thing any more; what comes is kept for whoever asks then. */
  leave(): void {
    this.#waiting = undefined
    this.#awaited = undefined
    this.#timer.unref()
  }

  /** The end of it. Only the first reason counts. */
  fail(error: FionaError, options: { readonly abort?: boolean } = {}): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onStop)
    if (options.abort === true && !this.#socket.connecting && this.#socket.writable) {
      const { source, reason } =
        error instanceof ProtocolError
          ? error
          : { source: AbortSource.serviceUser, reason: AbortReason.notSpecified }
      this.#socket.write(encodeControlPdu({ type: PduType.Abort, source, reason }))
      this.#socket.destroySoon()
      // A peer that reads nothing would keep the socket, and the process, for ever.
      setTimeout(() => this.#socket.destroy(), 1000).unref()
    } else this.#socket.destroy()
    this.#waiting?.reject(error)
    this.#writing?.(error)
    this.#waiting = undefined
    this.#writing = undefined
  }

  get failure(): FionaError | undefined {
    return this.#failure
  }

  #await(what: string): void {
    this.#awaited = what
    this.#timer.refresh()
    // The wait for a peer is work: the process must not end in the middle of it.
    this.#timer.ref()
  }

  #take(bytes: Buffer): void {
    if (this.#failure !== undefined) return
    try {
      this.#stream.push(bytes)
    } catch (error) {
      if (!(error instanceof FionaError)) throw error
      this.fail(error, { abort: true })
    }
  }

  #arrivedMessage(): void {
    if (this.#message === undefined) return
    const { contextId, command } = this.#message
    const dataSet = Buffer.concat(this.#dataSet)
    this.#arrived({ kind: 'message', contextId, command, dataSet })
    this.#message = undefined
    this.#dataSet = []
    this.#dataSetBytes = 0
  }

  #arrived(one: Incoming): void {
    const waiting = this.#waiting
    if (waiting !== undefined) {
      this.#waiting = undefined
      this.#awaited = undefined
      waiting.resolve(one)
      return
    }
    this.#incoming.push(one)
    if (this.#incoming.length >= mostUntaken) this.#socket.pause()
  }
}
