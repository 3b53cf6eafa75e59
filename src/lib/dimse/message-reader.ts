import { type CommandSet, decodeCommandSet, hasDataSet } from './command-set.ts'
import { AbortReason, ProtocolError, pduLimits } from './pdu/index.ts'

export interface MessageListener {
  /** A whole command set. When it says so, a data set follows. */
  command(contextId: number, command: CommandSet): void
  /** Part of the data set. The bytes are borrowed until this returns. */
  dataSet(bytes: Buffer): void
  dataSetEnd(): void
}

/**
 * Fragments to DIMSE messages (PS3.8 annex E, PS3.7 6.3): however a command or data set is cut into
 * fragments, and however those are spread over PDUs. Either side of an association reads with it.
 */
export class MessageReader {
  readonly #listener: MessageListener
  readonly #isAccepted: (contextId: number) => boolean
  #commandParts: Buffer[] = []
  #commandBytes = 0
  /** The context of the message that is not whole yet. */
  #contextId: number | undefined
  #awaitsDataSet = false
  #current = { isCommand: false, isLast: false }

  constructor(listener: MessageListener, isAccepted: (contextId: number) => boolean) {
    this.#listener = listener
    this.#isAccepted = isAccepted
  }

  /** Between two messages. */
  get isAtRest(): boolean {
    return this.#contextId === undefined
  }

  pdvBegin(contextId: number, isCommand: boolean, isLast: boolean): void {
    if (!this.#isAccepted(contextId)) {
      throw unexpected(`a fragment in the context ${String(contextId)}, which was not accepted`)
    }
    if (this.#contextId !== undefined && contextId !== this.#contextId) {
      throw unexpected('a message continues in another presentation context')
    }
    if (isCommand === this.#awaitsDataSet) {
      throw unexpected(
        isCommand ? 'a command where a data set is due' : 'a data set without command',
      )
    }
    this.#contextId = contextId
    this.#current = { isCommand, isLast }
  }

  pdvBytes(bytes: Buffer): void {
    if (!this.#current.isCommand) {
      this.#listener.dataSet(bytes)
      return
    }
    this.#commandBytes += bytes.length
    if (this.#commandBytes > pduLimits.maxCommandSetBytes) {
      throw unexpected('a command set longer than any')
    }
    this.#commandParts.push(Buffer.from(bytes))
    // A command that drips in byte by byte must not keep a buffer for each.
    if (this.#commandParts.length >= 64) this.#commandParts = [Buffer.concat(this.#commandParts)]
  }

  pdvEnd(): void {
    if (!this.#current.isLast) return
    if (!this.#current.isCommand) {
      this.#awaitsDataSet = false
      this.#contextId = undefined
      this.#listener.dataSetEnd()
      return
    }
    const command = decodeCommandSet(Buffer.concat(this.#commandParts))
    this.#commandParts = []
    this.#commandBytes = 0
    const contextId = this.#contextId ?? 0
    this.#awaitsDataSet = hasDataSet(command)
    if (!this.#awaitsDataSet) this.#contextId = undefined
    this.#listener.command(contextId, command)
  }
}

function unexpected(message: string): ProtocolError {
  return new ProtocolError(AbortReason.invalidPduParameterValue, message)
}
