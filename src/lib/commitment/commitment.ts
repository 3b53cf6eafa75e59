import type { Logger } from 'pino'
import {
  type Answer,
  ByteBudget,
  CommandField,
  type ClassProvider,
  type CollectOptions,
  DataSetCollector,
  type DataSetConsumer,
  Draining,
  type Operation,
  Status,
} from '../dimse/index.ts'
import { FionaError } from '../error/index.ts'
import { asStorageError, type Intake, type RecordSink } from '../intake/index.ts'
import { type InstanceRecord, nowIso } from '../record/index.ts'
import type { Durability } from '../storage/index.ts'
import { ArchiveExamination } from './examine-archive.ts'
import {
  type Asked,
  mostReferences,
  readRequest,
  refusalOf,
  requestParsing,
} from './read-request.ts'
import { RecentSeries } from './recent-series.ts'
import type { PeerAddress } from './report.ts'
import { type Patience, Reporting } from './reporting.ts'
import { ReportHearing, STORAGE_COMMITMENT, type Transactions } from '../transaction/index.ts'
import { type WaitingLimits, type WaitingRequest, WaitingRequests } from './waiting-requests.ts'

export interface CommitmentOptions {
  readonly dataDir: string
  readonly durability: Durability
  readonly intake: Intake
  readonly sink: RecordSink
  readonly log: Logger
  /** Where a peer listens for reports on associations that we open. */
  readonly addressOf: (request: WaitingRequest) => PeerAddress
  /** Whether a request that an earlier run left is this process's to report; without it all are. */
  readonly isOurs?: (request: WaitingRequest) => boolean
  readonly patience?: Patience
  /** What we asked others for: their reports come in by our doors. */
  readonly asked: Pick<Transactions, 'report'>
}

const limits: WaitingLimits = {
  requests: 1000,
  requestsOfOneAddress: 200,
  // What was found out about each is held until the peer hears it.
  instances: 500_000,
}

const noInformation: Answer = {
  status: Status.invalidArgumentValue,
  comment: 'no object is referenced',
}

/**
 * Storage Commitment Push Model as SCP (PS3.4 annex J): a peer asks whether we are responsible for objects
 * from now on, and hears later, when we have looked. Peers that we asked come in by the same doors, and report.
 */
export class Commitment {
  /** 100,000 objects with the longest UIDs, in the longest encoding, fit; two such requests at a time. */
  readonly #longestRequest: CollectOptions = {
    maxBytes: 24 << 20,
    maxParts: 6 * mostReferences,
    parse: requestParsing,
    budget: new ByteBudget(64 << 20),
  }
  readonly #recent: RecentSeries
  readonly #requests: WaitingRequests
  readonly #reporting: Reporting
  readonly #log: Logger
  readonly #isOurs: (request: WaitingRequest) => boolean
  readonly #hearing: ReportHearing

  private constructor(
    recent: RecentSeries,
    requests: WaitingRequests,
    reporting: Reporting,
    log: Logger,
    isOurs: (request: WaitingRequest) => boolean,
    hearing: ReportHearing,
  ) {
    this.#recent = recent
    this.#requests = requests
    this.#reporting = reporting
    this.#log = log
    this.#isOurs = isOurs
    this.#hearing = hearing
  }

  /** @throws FionaError E_DISK_FULL, E_ARCHIVE_WRITE */
  static async open(options: CommitmentOptions): Promise<Commitment> {
    const { log, dataDir } = options
    const recent = new RecentSeries()
    const requests = await WaitingRequests.open(dataDir, limits, (path) => {
      log.error(
        { path },
        'no request for storage commitment: left where it is, nobody is told of it',
      )
    }).catch((error: unknown) => {
      throw asStorageError(error)
    })
    const examination = new ArchiveExamination({ ...options, recent })
    return new Commitment(
      recent,
      requests,
      new Reporting({ ...options, requests, examination }),
      log,
      options.isOurs ?? (() => true),
      new ReportHearing(options.asked, log),
    )
  }

  /** Goes on with what an earlier run left. */
  start(): void {
    const waiting = this.#requests.list().filter(this.#isOurs)
    if (waiting.length > 0) {
      this.#log.info(
        { requests: waiting.length },
        'storage commitment: going on with earlier requests',
      )
    }
    for (const request of waiting) this.#reporting.begin(request)
  }

  /** An object was stored. */
  note({ path }: InstanceRecord): void {
    this.#recent.note(path)
  }

  /** What is not reported yet is on disk, for the next run. */
  async close(): Promise<void> {
    await this.#reporting.close()
  }

  /**
   * The service at one door.
   * @param project whose door it is: only its objects are meant; undefined: the common one
   */
  at(project: string | undefined): ClassProvider {
    return {
      SOPClassUID: STORAGE_COMMITMENT,
      hearsEvents: true,
      consume: (operation) =>
        operation.command.CommandField === CommandField.NEventReportRequest
          ? this.#hearing.consume(operation)
          : this.#consume(operation, project),
      perform: ({ command }) => refusalOf(command) ?? noInformation,
    }
  }

  #consume(operation: Operation, project: string | undefined): DataSetConsumer {
    const refusal = refusalOf(operation.command)
    if (refusal !== undefined) return new Draining(refusal)
    return new DataSetCollector(operation, this.#longestRequest, async (file) => {
      const asked = await readRequest(file)
      return 'status' in asked
        ? this.#refuse(operation, asked)
        : this.#take(operation, asked, project)
    })
  }

  /** Success is answered when the request is on stable storage. */
  async #take(operation: Operation, asked: Asked, project: string | undefined): Promise<Answer> {
    const { callingAETitle, calledAETitle, address } = operation.association
    const requester = {
      callingAET: callingAETitle,
      calledAET: calledAETitle,
      address,
      project,
    }
    const { TransactionUID, references } = asked
    let request: WaitingRequest | undefined
    try {
      request = await this.#requests.add(requester, TransactionUID, references, nowIso())
    } catch (error) {
      const trouble = asStorageError(error)
      if (!(trouble instanceof FionaError)) throw error
      this.#log.error({ code: trouble.code }, trouble.message)
      return this.#refuse(operation, {
        status: Status.resourceLimitation,
        comment: 'the request cannot be kept',
      })
    }
    if (request === undefined) {
      return this.#refuse(operation, {
        status: Status.resourceLimitation,
        comment: 'too many requests wait for their reports',
      })
    }
    this.#log.info(
      {
        association: operation.association.id,
        transaction: TransactionUID,
        instances: references.length,
      },
      'storage commitment requested',
    )
    this.#reporting.begin(request, operation)
    return { status: Status.success }
  }

  #refuse({ association }: Operation, answer: Answer): Answer {
    const { status, comment } = answer
    this.#log.warn({ association: association.id, status, comment }, 'storage commitment refused')
    return answer
  }
}
