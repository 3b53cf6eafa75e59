import { Acceptor } from '../../src/lib/dimse/acceptor.ts'
import {
  type AcceptorObserver,
  CommandField,
  type DataSetConsumer,
  type Operation,
  type ServiceProvider,
  Status,
  acceptAssociation,
} from '../../src/lib/dimse/index.ts'
import { chooseSyntax } from '../../src/lib/receive/index.ts'
import type { Random } from './random.ts'

/**
 * A whole connection into an `Acceptor`, in segments cut at random, with a provider that takes its time.
 * @throws Error when a mistake shows: an exception, an association that does not end, data sets that are
 *   neither finished nor abandoned
 */
export async function converse(input: Buffer, random: Random): Promise<void> {
  const provider = new Provider(random)
  let isGone = false
  let wantsMore = true
  const acceptor = new Acceptor(
    {
      address: '127.0.0.1',
      write: () => true,
      resume: () => {
        wantsMore = true
      },
      end: () => undefined,
      destroy: () => undefined,
    },
    provider,
    provider,
    { maxPduBytes: 16384, handshakeMs: 1e9, idleMs: 1e9 },
    {
      onGone: () => {
        isGone = true
      },
      now: () => 0,
    },
  )
  for (let at = 0; at < input.length;) {
    const end = at + (random.below(4) === 0 ? 1 + random.below(9) : 1 + random.below(20_000))
    wantsMore = acceptor.listener.onBytes(Buffer.from(input.subarray(at, end)))
    at = end
    for (let turns = 0; !wantsMore; turns++) {
      if (turns > 100_000) throw new Error('the peer is never read again')
      await new Promise(setImmediate)
    }
  }
  acceptor.listener.onClose()
  for (let turns = 0; !isGone || provider.open > 0; turns++) {
    if (turns > 1000) throw new Error(`still there: ${String(provider.open)} data sets open`)
    await new Promise(setImmediate)
  }
  if (provider.failure !== undefined) throw provider.failure
  if (provider.associations !== 0) throw new Error('an association without an end')
}

class Provider implements ServiceProvider, AcceptorObserver {
  /** Data sets that are neither finished nor abandoned. */
  open = 0
  associations = 0
  failure: Error | undefined
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  associate(request: Parameters<ServiceProvider['associate']>[0]) {
    return acceptAssociation(request, {
      maxPduBytes: 16384,
      implementationClassUID: `2.25.${'1'.repeat(39)}`,
      implementationVersionName: 'FUZZ',
      choose: chooseSyntax(true),
    })
  }

  consume(): DataSetConsumer | Promise<DataSetConsumer> {
    this.open++
    let isOver = false
    const close = (): void => {
      if (isOver) throw new Error('a data set ended twice')
      isOver = true
      this.open--
    }
    const consumer: DataSetConsumer = {
      write: () => {
        if (isOver) throw new Error('bytes behind the end of a data set')
        const isSlow = this.#random.below(8) === 0
        return isSlow ? new Promise<void>((resolve) => setImmediate(resolve)) : undefined
      },
      finish: async () => {
        if (this.#random.below(2) === 0) await new Promise(setImmediate)
        close()
        return { status: Status.success }
      },
      abandon: async () => {
        close()
      },
    }
    if (this.#random.below(2) === 0) return consumer
    return new Promise((resolve) => setImmediate(resolve, consumer))
  }

  perform({ command }: Operation) {
    const isEcho = command.CommandField === CommandField.CEchoRequest
    return { status: isEcho ? Status.success : Status.unrecognizedOperation }
  }

  started(): void {
    this.associations++
  }

  ended(): void {
    this.associations--
  }

  failed(error: unknown): void {
    this.failure ??= error instanceof Error ? error : new Error(String(error))
  }
}
