// A destination that commits itself, or does what a test tells it to. The wire is ours, which has tests of its
// own; what is decided and said is made here.
import {
  type Answer,
  CommandField,
  DataSetCollector,
  DicomServer,
  Draining,
  type Operation,
  acceptAssociation,
  openAssociation,
} from '../../src/lib/dimse/index.ts'
import { dataSetBytes, el, sq } from '../fixtures/dicom-writer.ts'

export const COMMITMENT = '1.2.840.10008.1.20.1'
const implicit = '1.2.840.10008.1.2'

export interface Asked {
  readonly transaction: string
  readonly instances: readonly string[]
}

/** What it says of a question: Failure Reasons by SOP Instance UID; the others are committed. */
export type Saying = {
  readonly failed?: Readonly<Record<string, number>>
  /** Not named at all. */
  readonly silentAbout?: readonly string[]
}

export interface CommitmentPeerOptions {
  /** Counted from 1. A number is the status of the N-ACTION, and no report follows. */
  readonly asked?: (number: number, asked: Asked) => Saying | 'nothing' | number
  /** Where it reports: on the association of the question unless given. */
  readonly reportTo?: number
  readonly offers?: boolean
  readonly port?: number
}

export class CommitmentPeer {
  readonly stored: string[] = []
  readonly questions: Asked[] = []
  /** Statuses that its reports were answered with. */
  readonly answers: number[] = []
  #server: DicomServer | undefined
  readonly #options: CommitmentPeerOptions

  private constructor(options: CommitmentPeerOptions) {
    this.#options = options
  }

  static async listen(options: CommitmentPeerOptions = {}): Promise<CommitmentPeer> {
    const peer = new CommitmentPeer(options)
    const settings = { maxPduBytes: 65536, handshakeMs: 5000, idleMs: 60_000 }
    peer.#server = await DicomServer.listen(
      {
        associate: (request) =>
          acceptAssociation(request, {
            maxPduBytes: 65536,
            implementationClassUID: '2.25.1',
            implementationVersionName: 'PEER',
            choose: (abstractSyntax, [first = '']) =>
              abstractSyntax === COMMITMENT && options.offers === false
                ? 'abstractSyntaxNotSupported'
                : { transferSyntax: first },
          }),
        consume: (operation) => peer.#consume(operation),
        perform: () => ({ status: 0 }),
      },
      {},
      { ...settings, port: options.port ?? 0, host: '127.0.0.1' },
    )
    return peer
  }

  get port(): number {
    return this.#server?.port ?? 0
  }

  get url(): string {
    return `dicom://PEER@127.0.0.1:${String(this.port)}`
  }

  close(): Promise<void> {
    return this.#server?.stop(0) ?? Promise.resolve()
  }

  /** A report of its own accord, on a new association. @returns the status of the answer */
  async report(port: number, asked: Asked, saying: Saying = {}): Promise<number> {
    const association = await openAssociation({
      host: '127.0.0.1',
      port,
      callingAETitle: 'PEER',
      calledAETitle: 'FIONA',
      contexts: [{ abstractSyntax: COMMITMENT, transferSyntaxes: [implicit], asSCP: true }],
      timeoutSeconds: 10,
    })
    try {
      const status = await association.reportEvent(eventOf(asked, saying), implicit)
      this.answers.push(status)
      return status
    } finally {
      await association.release()
    }
  }

  #consume(operation: Operation) {
    const { command } = operation
    if (command.CommandField === CommandField.CStoreRequest) {
      this.stored.push(command.AffectedSOPInstanceUID ?? '')
      return new Draining({ status: 0 })
    }
    const limits = { maxBytes: 1 << 20, maxParts: 20_000 }
    return new DataSetCollector(operation, limits, (file) => {
      const references = file.dataSet.get(0x00081199)?.items ?? []
      const asked = {
        transaction: file.string(file.dataSet, 0x00081195) ?? '',
        instances: references.map((item) => file.string(item, 0x00081155) ?? ''),
      }
      this.questions.push(asked)
      return this.#answer(operation, asked)
    })
  }

  #answer({ wayBack, context }: Operation, asked: Asked): Answer {
    const saying = this.#options.asked?.(this.questions.length, asked) ?? {}
    if (typeof saying === 'number') return { status: saying, comment: 'not today' }
    if (saying === 'nothing') return { status: 0 }
    const { reportTo } = this.#options
    if (reportTo !== undefined) void this.report(reportTo, asked, saying)
    else {
      const event = { ...eventOf(asked, saying, context.transferSyntax), contextId: context.id }
      void wayBack.notify(event, AbortSignal.timeout(10_000)).then(
        ({ Status = -1 }) => this.answers.push(Status),
        () => undefined,
      )
    }
    return { status: 0 }
  }
}

function eventOf({ transaction, instances }: Asked, saying: Saying, syntax = implicit) {
  const { failed = {}, silentAbout = [] } = saying
  const named = instances.filter((uid) => !silentAbout.includes(uid))
  const item = (uid: string) => [
    el(0x00081150, 'UI', '1.2.840.10008.5.1.4.1.1.2'),
    el(0x00081155, 'UI', uid),
    ...(failed[uid] === undefined ? [] : [el(0x00081197, 'US', failed[uid])]),
  ]
  const [bad, good] = [
    named.filter((uid) => failed[uid] !== undefined),
    named.filter((uid) => failed[uid] === undefined),
  ]
  const bytes = dataSetBytes(
    [
      el(0x00081195, 'UI', transaction),
      ...(bad.length === 0 ? [] : [sq(0x00081198, bad.map(item))]),
      ...(good.length === 0 ? [] : [sq(0x00081199, good.map(item))]),
    ],
    { explicitVR: syntax !== implicit },
  )
  return {
    SOPClassUID: COMMITMENT,
    SOPInstanceUID: '1.2.840.10008.1.20.1.1',
    EventTypeID: bad.length === 0 ? 1 : 2,
    dataSet: (async function* () {
      yield bytes
    })(),
  }
}
