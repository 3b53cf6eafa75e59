import { createHash } from 'node:crypto'
import type { Test } from 'tap'
import {
  type AcceptorObserver,
  CommandField,
  type DataSetConsumer,
  DicomServer,
  type DicomServerOptions,
  type Operation,
  type ServiceProvider,
  Status,
  acceptAssociation,
} from '../../src/lib/dimse/index.ts'

/** Keeps what it gets; the answer waits where a test says so. */
export class Keeper implements ServiceProvider, AcceptorObserver {
  readonly stored: { operation: Operation; sha256: string; bytes: number }[] = []
  readonly log: string[] = []
  abandoned = 0
  ready: Promise<void> = Promise.resolve()
  answerWhen: Promise<void> = Promise.resolve()
  onBytes: (() => void) | undefined
  /** Waited for behind each part of a data set. */
  congestion: Promise<void> | undefined
  slowStart = false

  associate(request: Parameters<ServiceProvider['associate']>[0]) {
    return acceptAssociation(request, {
      maxPduBytes: 16384,
      implementationClassUID: '2.25.1',
      implementationVersionName: 'TEST',
      choose: (_, [transferSyntax]) =>
        transferSyntax === undefined ? 'transferSyntaxesNotSupported' : { transferSyntax },
    })
  }

  consume(operation: Operation): DataSetConsumer | Promise<DataSetConsumer> {
    const hash = createHash('sha256')
    let bytes = 0
    const consumer: DataSetConsumer = {
      write: (chunk) => {
        hash.update(chunk)
        bytes += chunk.length
        this.onBytes?.()
        return this.congestion
      },
      finish: async () => {
        await this.answerWhen
        this.stored.push({ operation, sha256: hash.digest('hex'), bytes })
        return { status: Status.success }
      },
      abandon: async () => {
        this.abandoned++
      },
    }
    return this.slowStart ? this.ready.then(() => consumer) : consumer
  }

  perform({ command }: Operation) {
    const isEcho = command.CommandField === CommandField.CEchoRequest
    return { status: isEcho ? Status.success : Status.unrecognizedOperation }
  }

  started() {
    this.log.push('started')
  }
  ended(_: unknown, end: string) {
    this.log.push(end)
  }
  turnedAway(_: string, reason: string) {
    this.log.push(`turned away: ${reason}`)
  }
  failed(error: unknown) {
    this.log.push(`failed: ${String(error)}`)
  }
}

export async function serve(
  t: Test,
  options: Partial<DicomServerOptions> = {},
  keeper = new Keeper(),
): Promise<{ keeper: Keeper; server: DicomServer; port: number }> {
  const server = await DicomServer.listen(keeper, keeper, {
    port: 0,
    host: '127.0.0.1',
    maxPduBytes: 16384,
    idleMs: 60_000,
    handshakeMs: 60_000,
    ...options,
  })
  t.teardown(() => server.stop(0))
  return { keeper, server, port: server.port }
}

export const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
