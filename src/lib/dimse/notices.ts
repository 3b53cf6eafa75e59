import { CommandField, type CommandSet } from './command-set.ts'
import { eventReportRequest } from './messages.ts'

/** A request of ours on an association that the peer opened: N-EVENT-REPORT (PS3.7 10.1.1). */
export interface Notice {
  /** Where the peer made the request that this is about. */
  readonly contextId: number
  readonly SOPClassUID: string
  readonly SOPInstanceUID: string
  readonly EventTypeID: number
  /** In the context's transfer syntax; in blocks of even length, made as they go out, for it may be megabytes. */
  readonly dataSet: AsyncIterable<Buffer>
}

type SendNotice = (contextId: number, command: CommandSet, dataSet: AsyncIterable<Buffer>) => void

interface Waiting {
  readonly notice: Notice
  readonly resolve: (response: CommandSet) => void
  readonly reject: (error: Error) => void
}

/**
 * A peer in the midst of its operations expects answers and nothing else: many treat a request of ours
 * that comes between as a mistake, although PS3.7 9.2 lets each side have its own. One that wants to
 * release does so within this time.
 */
const quietMs = 200

/**
 * The requests that the accepting side of an association has of its own. One at a time, as the
 * asynchronous window of 1 has it (PS3.7 D.3.3.3), and each only when the peer has been quiet for a moment.
 */
export class Notices {
  readonly #send: SendNotice
  readonly #isIdle: () => boolean
  #queue: Waiting[] = []
  #outstanding: { readonly MessageID: number; readonly waiting: Waiting } | undefined
  #messageId = 0
  #lastMessage = performance.now()
  #timer: NodeJS.Timeout | undefined
  #end: { readonly error: Error } | undefined

  /** @param isIdle no message is half-way, and no operation of the peer awaits its answer */
  constructor(send: SendNotice, isIdle: () => boolean) {
    this.#send = send
    this.#isIdle = isIdle
  }

  /**
   * @param signal ends the waiting; what was sent already is sent, and its answer then nobody's
   * @returns the response
   */
  add(notice: Notice, signal: AbortSignal): Promise<CommandSet> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) {
        reject(this.#end.error)
        return
      }
      const stop = (): void => {
        this.#queue = this.#queue.filter((one) => one !== waiting)
        const reason: unknown = signal.reason
        reject(reason instanceof Error ? reason : new Error(String(reason)))
      }
      const waiting: Waiting = {
        notice,
        resolve: (response) => {
          signal.removeEventListener('abort', stop)
          resolve(response)
        },
        reject: (error) => {
          signal.removeEventListener('abort', stop)
          reject(error)
        },
      }
      if (signal.aborted) {
        stop()
        return
      }
      signal.addEventListener('abort', stop, { once: true })
      this.#queue.push(waiting)
      this.#next()
    })
  }

  /** A message came or went. */
  touch(): void {
    this.#lastMessage = performance.now()
  }

  isAnswer(response: CommandSet): boolean {
    return (
      this.#outstanding !== undefined &&
      response.CommandField === CommandField.NEventReportResponse &&
      response.MessageIDBeingRespondedTo === this.#outstanding.MessageID
    )
  }

  answered(response: CommandSet): void {
    this.#outstanding?.waiting.resolve(response)
    this.#outstanding = undefined
    this.#next()
  }

  /** The association is over: whoever waits hears it. */
  end(error: Error): void {
    if (this.#end !== undefined) return
    this.#end = { error }
    clearTimeout(this.#timer)
    this.#outstanding?.waiting.reject(error)
    for (const { reject } of this.#queue) reject(error)
    this.#queue = []
  }

  #next(): void {
    if (this.#outstanding !== undefined || this.#timer !== undefined) return
    if (this.#queue.length === 0) return
    const wait = this.#lastMessage + quietMs - performance.now()
    if (wait > 0 || !this.#isIdle()) {
      this.#timer = setTimeout(
        () => {
          this.#timer = undefined
          this.#next()
        },
        wait > 0 ? wait : quietMs,
      )
      return
    }
    const waiting = this.#queue.shift()
    if (waiting === undefined) return
    this.#messageId = (this.#messageId % 0xffff) + 1
    this.#outstanding = { MessageID: this.#messageId, waiting }
    const { contextId, dataSet, ...event } = waiting.notice
    this.#send(contextId, eventReportRequest({ ...event, MessageID: this.#messageId }), dataSet)
  }
}
