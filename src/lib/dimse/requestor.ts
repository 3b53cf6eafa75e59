import { FionaError } from '../error/index.ts'
import { CommandField, type CommandSet, encodeCommandSet, responseBit } from './command-set.ts'
import {
  VERIFICATION,
  actionRequest,
  echoRequest,
  eventReportRequest,
  responseTo,
  storeRequest,
} from './messages.ts'
import type { Notice } from './notices.ts'
import {
  AbortReason,
  AbortSource,
  PduType,
  ProtocolError,
  dataTransferPieces,
  encodeControlPdu,
  encodeDataTransfer,
  maxFragmentBytes,
} from './pdu/index.ts'
import type { Incoming, RequestorConnection } from './requestor-connection.ts'
import { lost, notAccepted } from './requestor-trouble.ts'
import { DataFrames, type DataSetSource, FileDataSet, OutgoingDataSet } from './store-scu.ts'
import type { Answer } from './service.ts'
import { statusMeaning } from './status.ts'

/** The longest PDU we send, whatever the peer would take; and where it sets no limit. */
const longestPdu = 1 << 20
const pduWhereUnlimited = 1 << 18
/** A release that is not answered by then is not waited for: all that mattered was answered before. */
const releaseSeconds = 5
/** Answers to one query. */
const mostMatches = 1_000_000

/** An object as a file with its data set in the transfer syntax named. */
export interface StoredObject {
  readonly path: string
  readonly SOPClassUID: string
  readonly SOPInstanceUID: string
  readonly transferSyntaxUID: string
  readonly dataSetOffset: number
  /** Shown the bytes of the file on their way, borrowed; for a digest, say. */
  readonly seen?: (bytes: Buffer) => void
  /** Sent instead of the data set in the file, in the transfer syntax named. */
  readonly dataSet?: DataSetSource | undefined
}

/** An object whose first bytes wait to be sent. Whoever does not send it disposes of it. */
export interface PreparedStore extends Disposable {
  /**
   * C-STORE (PS3.7 9.1.1). The bytes go to the connection as they are, as fast as it takes them.
   * @param meanwhile is called when all was sent and the answer is awaited; it does not throw
   * @throws FionaError E_FILE_READ, E_TIMEOUT, E_ASSOCIATION_ABORTED, E_DICOM_PROTOCOL
   */
  send(meanwhile?: () => void): Promise<StoreAnswer>
}

/** How fast bytes may go out. */
export interface Pace {
  /** No more at once, but for one PDU. */
  readonly pieceBytes: number
  /** Resolves when so many may be written. */
  take(bytes: number): Promise<void>
}

export interface StoreAnswer {
  /** See `statusMeaning`. */
  readonly status: number
  readonly errorComment?: string
}

/** An N-EVENT-REPORT that the peer sent on our association (PS3.7 10.1.1). */
export interface ReportedEvent {
  readonly command: CommandSet
  /** In the transfer syntax named. */
  readonly dataSet: Buffer
  readonly transferSyntax: string
}

/**
 * The requestor's side of an association. One operation at a time; the next begins when the one
 * before was answered. Where an operation throws anything but E_NOT_ACCEPTED the association is gone,
 * and what was under way may or may not have taken place.
 */
export class Association {
  readonly peer: string
  readonly #connection: RequestorConnection
  readonly #contexts: ReadonlyMap<string, number>
  readonly #fragmentBytes: number
  readonly #pace: Pace | undefined
  /** One for the object that is on its way, one for the object that comes next. */
  #frames: [DataFrames, DataFrames] | undefined
  #messageId = 0
  #takeEvent: ((event: ReportedEvent) => Promise<Answer>) | undefined

  /**
   * @param contexts accepted: `abstract syntax, blank, transfer syntax` to identifier
   * @param maxPduLength what the peer announced; 0 is no limit
   */
  constructor(
    connection: RequestorConnection,
    contexts: ReadonlyMap<string, number>,
    maxPduLength: number,
    pace?: Pace,
  ) {
    this.#pace = pace
    this.#connection = connection
    this.peer = connection.peer
    this.#contexts = contexts
    const ownMaximum = Math.min(longestPdu, pace?.pieceBytes ?? longestPdu)
    this.#fragmentBytes = maxFragmentBytes(maxPduLength || pduWhereUnlimited, ownMaximum)
  }

  /** The presentation context for objects of this kind, if the peer takes them. */
  accepted(abstractSyntax: string, transferSyntax: string): number | undefined {
    return this.#contexts.get(`${abstractSyntax} ${transferSyntax}`)
  }

  /** Why it can no longer be used. */
  get failure(): FionaError | undefined {
    return this.#connection.failure
  }

  /** Prepares an object and sends it. @throws FionaError as these do */
  async store(object: StoredObject): Promise<StoreAnswer> {
    return this.prepare(object).send()
  }

  /**
   * Opens an object and reads what goes out first. One may be prepared while another is sent.
   * @throws FionaError E_NOT_ACCEPTED, E_FILE_READ; the association is as good as before
   */
  prepare(object: StoredObject): PreparedStore {
    const { SOPClassUID, SOPInstanceUID, transferSyntaxUID, dataSet, seen } = object
    const contextId = this.#contextFor(SOPClassUID, transferSyntaxUID)
    const source = dataSet ?? new FileDataSet(object)
    const [free, busy] = (this.#frames ??= this.#twoFrames())
    const outgoing = new OutgoingDataSet(source, contextId, free)
    this.#frames = [busy, free]
    return new PreparedObject(outgoing, async (meanwhile) => {
      using sent = outgoing
      const MessageID = this.#nextMessageId()
      const request = storeRequest({ MessageID, SOPClassUID, SOPInstanceUID })
      await this.#sendObject(this.#encode(contextId, request), sent, seen)
      meanwhile?.()
      return storeAnswerIn((await this.#answerTo(request, 'no answer to C-STORE')).command)
    })
  }

  /** C-ECHO (PS3.7 9.1.5). @returns the status */
  async echo(): Promise<number> {
    const contextId = this.#contextOf(VERIFICATION)
    const request = echoRequest(this.#nextMessageId())
    await this.#connection.write(this.#encode(contextId, request))
    const { command } = await this.#answerTo(request, 'no answer to C-ECHO')
    return command.Status ?? 0x0110
  }

  /**
   * C-FIND (PS3.7 9.1.2).
   * @param identifier the query, encoded in the transfer syntax given
   * @returns the final status, and the data sets of the matches, in the same syntax
   */
  async find(
    SOPClassUID: string,
    transferSyntax: string,
    identifier: Buffer,
  ): Promise<{ readonly status: number; readonly matches: readonly Buffer[] }> {
    const contextId = this.#contextFor(SOPClassUID, transferSyntax)
    const request: CommandSet = {
      AffectedSOPClassUID: SOPClassUID,
      CommandField: CommandField.CFindRequest,
      MessageID: this.#nextMessageId(),
      Priority: 0,
      CommandDataSetType: 1,
    }
    await this.#connection.write(
      this.#encode(contextId, request),
      encodeDataTransfer({ contextId, isCommand: false, bytes: identifier }, this.#fragmentBytes),
    )
    const matches: Buffer[] = []
    for (;;) {
      const { command, dataSet } = await this.#answerTo(request, 'no answer to C-FIND')
      const status = command.Status ?? 0x0110
      if (statusMeaning(status).kind !== 'pending') return { status, matches }
      matches.push(dataSet)
      if (matches.length > mostMatches) throw this.#broken('more matches than can be')
    }
  }

  /**
   * N-EVENT-REPORT (PS3.7 10.1.1), in a context that was opened `asSCP`.
   * @param event its data set in the transfer syntax given
   * @returns the status
   */
  async reportEvent(event: Omit<Notice, 'contextId'>, transferSyntax: string): Promise<number> {
    const contextId = this.#contextFor(event.SOPClassUID, transferSyntax)
    const request = eventReportRequest({ ...event, MessageID: this.#nextMessageId() })
    const most = this.#fragmentBytes > 1 ? this.#fragmentBytes & ~1 : 1
    const pieces = dataTransferPieces({ contextId, isCommand: false }, event.dataSet, most)
    await this.#connection.write(this.#encode(contextId, request))
    try {
      // It waits for the peer behind each piece: so each has its time, and TLS no copy of all.
      for await (const piece of pieces) await this.#connection.write(...piece)
    } catch (error) {
      // Half a report cannot be taken back.
      this.#connection.fail(lost(this.peer, 'the report could not be made'), { abort: true })
      throw error
    }
    const { command } = await this.#answerTo(request, 'no answer to N-EVENT-REPORT')
    return command.Status ?? 0x0110
  }

  /**
   * N-ACTION (PS3.7 10.1.4).
   * @param action its information in the transfer syntax given
   */
  async action(
    action: {
      readonly SOPClassUID: string
      readonly SOPInstanceUID: string
      readonly ActionTypeID: number
      readonly information: Buffer
    },
    transferSyntax: string,
  ): Promise<StoreAnswer> {
    const contextId = this.#contextFor(action.SOPClassUID, transferSyntax)
    const request = actionRequest({ ...action, MessageID: this.#nextMessageId() })
    const bytes = action.information
    await this.#connection.write(
      this.#encode(contextId, request),
      encodeDataTransfer({ contextId, isCommand: false, bytes }, this.#fragmentBytes),
    )
    return storeAnswerIn((await this.#answerTo(request, 'no answer to N-ACTION')).command)
  }

  /**
   * Events that the peer reports from now on, in whatever operation of ours they come, are taken by this.
   * It does not throw; the peer hears its answer.
   */
  onEvent(take: (event: ReportedEvent) => Promise<Answer>): void {
    this.#takeEvent = take
  }

  /**
   * Waits for events; no operation may be begun meanwhile. Resolves when the signal aborts, and then the
   * association can be used again.
   * @throws FionaError E_TIMEOUT when nothing came for too long; E_ASSOCIATION_ABORTED, also when the peer
   *   has released it
   */
  async listen(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<undefined>((resolve) => {
      if (signal.aborted) resolve(undefined)
      else {
        signal.addEventListener(
          'abort',
          () => {
            resolve(undefined)
          },
          { once: true },
        )
      }
    })
    while (!signal.aborted) {
      const coming = this.#connection.next('no event was reported')
      // When it is no longer waited for, its failure is told to whoever uses the association next.
      coming.catch(() => undefined)
      const one = await Promise.race([coming, aborted])
      if (one === undefined) {
        this.#connection.leave()
        return
      }
      if (one.kind === 'control') {
        if (one.pdu.type !== PduType.ReleaseRequest) throw this.#broken('an unexpected PDU')
        await this.#connection.write(encodeControlPdu({ type: PduType.ReleaseResponse }))
        const over = lost(this.peer, 'it released the association')
        this.#connection.fail(over)
        throw over
      }
      if (!(await this.#takesEvent(one))) throw this.#broken('what nobody waits for')
    }
  }

  /** A-RELEASE (PS3.8 7.2). Resolves when the connection is closed, whatever the peer does. */
  async release(): Promise<void> {
    const over = lost(this.peer, 'it was released')
    const patience = setTimeout(() => {
      this.#connection.fail(over)
    }, releaseSeconds * 1000)
    try {
      await this.#connection.write(encodeControlPdu({ type: PduType.ReleaseRequest }))
      for (;;) {
        const one = await this.#connection.next('no answer to A-RELEASE')
        if (one.kind === 'message') continue
        if (one.pdu.type === PduType.ReleaseResponse) break
        // Both sides asked at once (PS3.8 9.2, release collision): the requestor answers first.
        if (one.pdu.type !== PduType.ReleaseRequest) throw this.#broken('an unexpected PDU')
        await this.#connection.write(encodeControlPdu({ type: PduType.ReleaseResponse }))
      }
    } catch (error) {
      if (!(error instanceof FionaError)) throw error
    } finally {
      clearTimeout(patience)
      this.#connection.fail(over)
    }
  }

  /** A-ABORT: at once, without waiting for anybody. */
  abort(): void {
    this.#connection.fail(lost(this.peer, 'we aborted it'), { abort: true })
  }

  #twoFrames(): [DataFrames, DataFrames] {
    const pieceBytes = this.#pace?.pieceBytes
    const one = new DataFrames(this.#fragmentBytes, pieceBytes)
    return [one, new DataFrames(this.#fragmentBytes, pieceBytes)]
  }

  async #sendObject(
    command: Buffer,
    outgoing: OutgoingDataSet,
    seen: StoredObject['seen'],
  ): Promise<void> {
    const pace = this.#pace
    // The command goes out together with the first of the data.
    let first: Buffer | undefined = command
    try {
      await outgoing.send(async (pdus) => {
        if (pace !== undefined) await pace.take(pdus.length)
        const buffers = first === undefined ? [pdus] : [first, pdus]
        first = undefined
        await this.#connection.write(...buffers)
      }, seen)
    } catch (error) {
      // Half an object cannot be taken back.
      if (error instanceof FionaError && first === undefined) {
        this.#connection.fail(error, { abort: true })
      }
      throw error
    }
  }

  #contextFor(abstractSyntax: string, transferSyntax: string): number {
    const contextId = this.accepted(abstractSyntax, transferSyntax)
    if (contextId === undefined) throw notAccepted(this.peer, abstractSyntax, transferSyntax)
    return contextId
  }

  #contextOf(abstractSyntax: string): number {
    for (const [key, contextId] of this.#contexts) {
      if (key.startsWith(`${abstractSyntax} `)) return contextId
    }
    throw notAccepted(this.peer, abstractSyntax, 'any')
  }

  #encode(contextId: number, command: CommandSet): Buffer {
    const bytes = encodeCommandSet(command)
    return encodeDataTransfer({ contextId, isCommand: true, bytes }, this.#fragmentBytes)
  }

  #nextMessageId(): number {
    this.#messageId = (this.#messageId % 0xffff) + 1
    return this.#messageId
  }

  async #answerTo(
    request: CommandSet,
    what: string,
  ): Promise<{ command: CommandSet; dataSet: Buffer }> {
    let one = await this.#connection.next(what)
    while (one.kind === 'message' && (await this.#takesEvent(one))) {
      one = await this.#connection.next(what)
    }
    if (one.kind === 'control') {
      const isRelease = one.pdu.type === PduType.ReleaseRequest
      throw this.#broken(isRelease ? 'it released instead of answering' : 'an unexpected PDU')
    }
    const { command } = one
    if (command.CommandField !== (request.CommandField | responseBit)) {
      throw this.#broken(`a command ${command.CommandField.toString(16)} that nobody waits for`)
    }
    if (command.MessageIDBeingRespondedTo !== request.MessageID) {
      throw this.#broken(
        `an answer to message ${String(command.MessageIDBeingRespondedTo)}, where ${String(request.MessageID)} was asked`,
      )
    }
    return one
  }

  /** Each side may have its own operation under way (PS3.7 9.2): an event may come between ours and its answer. */
  async #takesEvent(message: Incoming & { readonly kind: 'message' }): Promise<boolean> {
    const { command, contextId, dataSet } = message
    if (command.CommandField !== CommandField.NEventReportRequest) return false
    if (this.#takeEvent === undefined) return false
    const transferSyntax = this.#transferSyntaxOf(contextId)
    const answer = await this.#takeEvent({ command, dataSet, transferSyntax })
    await this.#connection.write(this.#encode(contextId, responseTo(command, answer)))
    return true
  }

  #transferSyntaxOf(contextId: number): string {
    for (const [key, id] of this.#contexts) if (id === contextId) return key.split(' ')[1] ?? ''
    throw this.#broken('a message in no context')
  }

  /** The peer breaks the rules: which answer belongs to what is no longer known. */
  #broken(what: string): FionaError {
    const error = new ProtocolError(AbortReason.unexpectedPdu, `${this.peer} sent ${what}`, {
      source: AbortSource.serviceUser,
    })
    this.#connection.fail(error, { abort: true })
    return error
  }
}

function storeAnswerIn({ Status: status = 0x0110, ErrorComment }: CommandSet): StoreAnswer {
  return ErrorComment === undefined ? { status } : { status, errorComment: ErrorComment }
}

/** A class: a literal with a symbol for a name is made by V8's runtime, ten times as slowly. */
class PreparedObject implements PreparedStore {
  readonly send: PreparedStore['send']
  readonly #outgoing: Disposable

  constructor(outgoing: Disposable, send: PreparedStore['send']) {
    this.#outgoing = outgoing
    this.send = send
  }

  [Symbol.dispose](): void {
    this.#outgoing[Symbol.dispose]()
  }
}
