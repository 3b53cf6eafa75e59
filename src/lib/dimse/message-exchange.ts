import { type CommandSet, encodeCommandSet, hasDataSet, isResponse } from './command-set.ts'
import { MessageReader, type MessageListener } from './message-reader.ts'
import { responseTo } from './messages.ts'
import type { AcceptedContext } from './negotiation.ts'
import { type Notice, Notices } from './notices.ts'
import {
  AbortReason,
  AbortSource,
  ProtocolError,
  dataTransferParts,
  dataTransferPieces,
} from './pdu/index.ts'
import { lost } from './requestor-trouble.ts'
import type {
  Answer,
  AssociationFacts,
  DataSetConsumer,
  Operation,
  ServiceProvider,
  WayBack,
} from './service.ts'

/** What messages need of the connection below them. */
export interface Line {
  /** The association is established: messages may be sent. */
  readonly isOpen: boolean
  /** In one piece, whatever it is made of. */
  send(parts: readonly Buffer[]): void
  /** As fast as the peer takes it; until the last piece is out nothing is read, so nothing comes between. */
  sendInPieces(pieces: AsyncIterable<readonly Buffer[]>): void
  /** The peer waits for us until then: it is not idle, although nothing comes. It does not reject. */
  owe(until: Promise<void>): void
  /** Nothing more is read from the peer until the work is done. */
  whileBusy(work: () => Promise<void>): void
  /** The same, for what was read already does not matter. It does not reject. */
  hold(until: Promise<void>): void
}

/** What was agreed on when the association began. */
export interface Agreement {
  readonly association: AssociationFacts
  readonly contexts: ReadonlyMap<number, AcceptedContext>
  /** The longest fragment that the peer takes. */
  readonly maxFragmentBytes: number
}

/**
 * The messages of one association, seen from the side that accepted it: operations of the peer and their
 * answers, notices of ours and theirs.
 */
export class MessageExchange implements MessageListener, WayBack {
  /** Takes the fragments that come in. */
  readonly reader: MessageReader
  readonly association: AssociationFacts
  readonly #provider: ServiceProvider
  readonly #contexts: ReadonlyMap<number, AcceptedContext>
  readonly #maxFragmentBytes: number
  readonly #line: Line
  readonly #notices: Notices
  /** From its command to its answer. */
  #operation: Operation | undefined
  #consumer: DataSetConsumer | undefined
  /** An answer to a notice whose data set is still coming; nobody wants that. */
  #response: CommandSet | undefined

  constructor(provider: ServiceProvider, agreement: Agreement, line: Line) {
    this.#provider = provider
    this.association = agreement.association
    this.#contexts = agreement.contexts
    this.#maxFragmentBytes = agreement.maxFragmentBytes
    this.#line = line
    this.reader = new MessageReader(this, (id) => this.#contexts.has(id))
    this.#notices = new Notices(
      (...message) => {
        this.#sendNotice(...message)
      },
      () => this.#line.isOpen && this.#operation === undefined && this.reader.isAtRest,
    )
  }

  get isOpen(): boolean {
    return this.#line.isOpen
  }

  notify(notice: Notice, signal: AbortSignal): Promise<CommandSet> {
    return this.#notices.add(notice, signal)
  }

  owe(until: Promise<void>): void {
    this.#line.owe(until)
  }

  command(contextId: number, command: CommandSet): void {
    const context = this.#contexts.get(contextId)
    if (context === undefined) throw new Error('no such context')
    this.#notices.touch()
    if (isResponse(command)) {
      this.#hear(command)
      return
    }
    const operation = { association: this.association, wayBack: this, context, command }
    this.#operation = operation
    if (hasDataSet(command)) {
      const consumer = this.#provider.consume(operation)
      if (consumer instanceof Promise) {
        this.#line.whileBusy(async () => {
          const ready = await consumer
          if (this.#line.isOpen) this.#consumer = ready
          else await ready.abandon()
        })
      } else this.#consumer = consumer
      return
    }
    const answer = this.#provider.perform(operation)
    if (answer instanceof Promise) {
      this.#line.whileBusy(async () => {
        this.#answer(operation, await answer)
      })
    } else this.#answer(operation, answer)
  }

  dataSet(bytes: Buffer): void {
    const congestion = this.#consumer?.write(bytes)
    if (congestion !== undefined) this.#line.hold(congestion)
  }

  dataSetEnd(): void {
    if (this.#response !== undefined) {
      this.#notices.answered(this.#response)
      this.#response = undefined
      return
    }
    const [consumer, operation] = [this.#consumer, this.#operation]
    this.#consumer = undefined
    if (consumer === undefined || operation === undefined) throw new Error('no operation')
    this.#line.whileBusy(async () => {
      this.#answer(operation, await consumer.finish())
    })
  }

  /** The association has ended: what came in half is given up. */
  async abandon(): Promise<void> {
    const consumer = this.#consumer
    this.#consumer = undefined
    const { callingAETitle, address } = this.association
    this.#notices.end(lost(`${callingAETitle}@${address}`, 'it was over before the answer'))
    await consumer?.abandon()
  }

  #hear(response: CommandSet): void {
    if (!this.#notices.isAnswer(response)) {
      throw new ProtocolError(AbortReason.notSpecified, 'a response to no request of ours', {
        source: AbortSource.serviceUser,
      })
    }
    if (hasDataSet(response)) this.#response = response
    else this.#notices.answered(response)
  }

  #answer({ command, context }: Operation, answer: Answer): void {
    this.#operation = undefined
    if (!this.#line.isOpen) return
    const { dataSet } = answer
    this.#send(context.id, responseTo(command, answer), dataSet)
  }

  /** Command and data set in one piece: no message of another kind can come between them. */
  #send(contextId: number, command: CommandSet, dataSet: Buffer | undefined): void {
    this.#notices.touch()
    const data = dataSet === undefined ? [] : this.#parts({ contextId, isCommand: false }, dataSet)
    this.#line.send([...this.#command(contextId, command), ...data])
  }

  #sendNotice(contextId: number, command: CommandSet, dataSet: AsyncIterable<Buffer>): void {
    this.#notices.touch()
    this.#line.send([...this.#command(contextId, command)])
    this.#line.sendInPieces(
      dataTransferPieces({ contextId, isCommand: false }, dataSet, this.#evenFragmentBytes),
    )
  }

  #command(contextId: number, command: CommandSet): Iterable<Buffer> {
    return this.#parts({ contextId, isCommand: true }, encodeCommandSet(command))
  }

  #parts(message: { contextId: number; isCommand: boolean }, bytes: Buffer): Iterable<Buffer> {
    return dataTransferParts(message, bytes, this.#evenFragmentBytes)
  }

  /** Fragments of even length, as PS3.8 annex E has them: some peers abort at others. */
  get #evenFragmentBytes(): number {
    return this.#maxFragmentBytes > 1 ? this.#maxFragmentBytes & ~1 : 1
  }
}
