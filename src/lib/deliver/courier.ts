import type { Logger } from 'pino'
import { faultPoint } from '../fault/index.ts'
import type { FilterLogic } from '../cli/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import {
  errorRecord,
  parseRecord,
  type AnyRecord,
  type DeidentifiedRecord,
  type MarkRecord,
} from '../record/index.ts'
import type { Transactions } from '../transaction/index.ts'
import type { Carrier } from './carrier.ts'
import { carrierFor } from './carriers/index.ts'
import type { Destinations } from './choose-destinations.ts'
import { Delivery, type Halt } from './delivery.ts'
import { byHand, type Destination } from './destination.ts'
import { finderFor } from './verify/find-objects.ts'
import { Lane } from './lane/lane.ts'
import type { EndOfDelivery, Ledgers } from './ledger/ledger.ts'
import { lookUpDropped, outcomeOfDropped } from './look-up-dropped.ts'
import { isComplete, outcomeRecords, troubleOf, type Outcome } from './outcome.ts'
import { CommitmentLine } from './verify/commitment-line.ts'
import { Commitments, type CommitmentOf, type CommitmentPolicy } from './verify/commitments.ts'
import type { Desk, Order } from './operator/desk.ts'
import type { StatusFile } from './operator/status-file.ts'
import { keyOf, type Kept, type Waiting } from './waiting.ts'

/** What waits in memory where there is nothing else: beyond that, the input waits too. */
const mostInMemory = 64

export interface CourierOptions {
  readonly destinations: Destinations
  readonly ledgers: Ledgers
  readonly waiting: Waiting
  readonly transactions: Transactions
  /** Whose deliveries and transactions these are: the stage, or `hand`. */
  readonly owner: string
  /** In a stage marks pass what waits, and its end leaves it waiting for the next start. */
  readonly inStage: boolean
  readonly emit: (record: AnyRecord) => Promise<void>
  readonly log: Logger
  /** Monotonic, ms. */
  readonly now: () => number
  readonly halt: Halt
  /** A directory of ours for packages on their way. */
  readonly spool: string
  /** What persons say; absent where nothing is on disk. */
  readonly desk?: Desk | undefined
}

/** What leads to one destination. */
interface Way {
  readonly lane: Lane
  readonly carrier: Carrier
  /** Where it is asked for storage commitment. */
  readonly line: CommitmentLine | undefined
  readonly status: StatusFile | undefined
}

/**
 * Takes `deidentified` records, brings each study to its destinations, and says how it ended. Each
 * destination has a lane of its own: one that is down delays nothing but its own. In a stage a mark
 * may pass what still waits, for that is on disk; by hand it waits for everything before it.
 */
export class Courier implements FilterLogic {
  readonly handles = ['deidentified']
  readonly #options: CourierOptions
  readonly #lanes = new Map<string, Way>()
  /** What a former process delivered and this one said again: its input may come again too. */
  readonly #saidAgain = new Map<string, string>()
  /** What waits for a destination that is not in force now. */
  readonly #elsewhere = new Map<string, Kept>()
  readonly #commitments: Commitments
  readonly #trouble: Promise<never>
  #broken: (error: unknown) => void = () => undefined
  /** A delivery ended, or everything shall. */
  #moved: () => void = () => undefined
  #incomplete = 0
  /** What a former process left is there, and what persons said of it was heard: now it may go. */
  #hasBegun = false

  constructor(options: CourierOptions) {
    this.#options = options
    this.#commitments = new Commitments(options)
    this.#trouble = new Promise((_, reject) => {
      this.#broken = reject
    })
    this.#trouble.catch(() => undefined)
    options.halt.stopping.addEventListener('abort', () => {
      this.#moved()
    })
  }

  /** Deliveries that ended without everything being there. */
  get incomplete(): number {
    return this.#incomplete
  }

  /** Rejects when nothing can go on. */
  get trouble(): Promise<never> {
    return this.#trouble
  }

  /** Goes on where a former process was. */
  async resume(): Promise<void> {
    const { waiting, destinations, log, transactions, owner } = this.#options
    // In this order: what is asked from now on belongs to what waits.
    const asked = await transactions.open(owner)
    const left = await waiting.left()
    const policies = new Map<string, CommitmentPolicy>()
    for (const [key, { destination, outcome }] of left) {
      const there = destinations.all.find(({ url }) => url === destination.url)
      if (outcome === undefined) policies.set(key, (there ?? byHand).commitment)
    }
    await this.#commitments.start(
      asked,
      (key) => policies.get(key),
      (key) => {
        for (const { lane } of this.#lanes.values()) lane.reported(key)
      },
    )
    for (const [key, kept] of left) {
      const { record, outcome } = kept
      if (outcome !== undefined) {
        await this.#say(key, outcome)
        if (outcome.every(({ type, code }) => type !== 'error' || code === 'E_DROPPED')) {
          this.#saidAgain.set(key, JSON.stringify(record))
        }
        continue
      }
      const { name, url } = kept.destination
      const same = destinations.all.filter((one) => one.url === url)
      const there = same.find((one) => one.name === name) ?? same[0]
      if (there === undefined) {
        this.#elsewhere.set(key, kept)
        continue
      }
      // Called something else now: who asks for it there shall find it.
      if (there.name !== name) {
        await waiting.keep(key, { destination: { name: there.name, url }, record })
      }
      this.#push(key, record, there)
    }
    if (this.#elsewhere.size > 0) {
      log.warn(
        { deliveries: this.#elsewhere.size },
        'deliveries of an earlier run wait for a destination that is not in force now',
      )
    }
    // So that those can be asked about that nothing waits for.
    if (this.#options.inStage) for (const one of destinations.all) this.#wayTo(one)
    await this.#options.desk?.begin((order) => this.#obey(order), this.#look)
    this.#hasBegun = true
    this.#look()
  }

  readonly #look = (): void => {
    for (const { lane } of this.#lanes.values()) lane.look()
  }

  /** @returns what became of it; undefined when we are stopped before that */
  async #obey(order: Order): Promise<string | undefined> {
    const { destination, requestId } = order
    let deliveries = 0
    for (const { lane } of this.#lanes.values()) {
      if (destination !== undefined && lane.name !== destination) continue
      if (order.do === 'retry') deliveries += lane.retryNow(requestId)
      else {
        const ended = await lane.drop(order.requestId, dropped(order))
        if (ended === undefined) return undefined
        deliveries += ended
      }
    }
    if (order.do === 'drop') deliveries += await this.#dropElsewhere(order)
    if (deliveries === 0) {
      const isElsewhere = [...this.#elsewhere.values()].some(
        ({ record, destination: { name } }) =>
          name === destination || record.requestId === requestId,
      )
      return isElsewhere ? 'its destination is not in force' : 'nothing of it waits any more'
    }
    const what = order.do === 'retry' ? 'tried again' : 'ended'
    return `deliveries ${what}: ${String(deliveries)}`
  }

  async #dropElsewhere(order: Order): Promise<number> {
    const { ledgers } = this.#options
    let deliveries = 0
    for (const [key, { record, destination }] of this.#elsewhere) {
      if (record.requestId !== order.requestId) continue
      const found = await lookUpDropped(record, destination.url, ledgers, dropped(order))
      const outcome = outcomeOfDropped(found)
      await this.#end(key, { record, destination: { ...destination, verify: 'none' }, outcome })
      this.#elsewhere.delete(key)
      deliveries++
    }
    return deliveries
  }

  async record(input: AnyRecord): Promise<undefined> {
    const record = parseRecord(input) as DeidentifiedRecord & AnyRecord
    const { destinations, waiting } = this.#options
    for (const destination of destinations.of(record.project)) {
      const kept = { destination: { name: destination.name, url: destination.url }, record }
      const key = keyOf(kept)
      if (this.#saidAgain.get(key) === JSON.stringify(record)) continue
      await waiting.keep(key, kept)
      this.#push(key, record, destination)
    }
    if (!waiting.survivesTheProcess) await this.#untilThereIsRoom()
  }

  async mark(mark: MarkRecord): Promise<void> {
    if (!this.#options.inStage) await this.#each((lane) => lane.idle())
    await this.#options.waiting.mark(mark)
  }

  async end(): Promise<undefined> {
    await this.#each((lane) => (this.#options.inStage ? lane.drained() : lane.idle()))
  }

  /**
   * After the end, or when it was stopped: what is under way ends, and what was not delivered stays on
   * disk, or where there is none, comes out as an error record.
   */
  async close(): Promise<void> {
    await this.#each((lane) => (this.#options.inStage ? lane.drained() : lane.idle()))
    const { waiting, emit, log } = this.#options
    for (const { line, status } of this.#lanes.values()) {
      await line?.close()
      await status?.close()
    }
    await this.#commitments.close()
    for (const { lane } of this.#lanes.values()) {
      if (lane.left.length > 0) {
        log.info({ deliveries: lane.left.length, destination: lane.name }, 'not delivered yet')
      }
      if (waiting.survivesTheProcess) continue
      for (const { record } of lane.left) {
        this.#incomplete++
        await emit(errorRecord('fiona-send', interrupted(lane.name), record))
      }
    }
  }

  async #each(wait: (lane: Lane) => Promise<void>): Promise<void> {
    await Promise.race([
      this.#trouble,
      Promise.all([...this.#lanes.values()].map(({ lane }) => wait(lane))),
    ])
  }

  async #untilThereIsRoom(): Promise<void> {
    const { stopping } = this.#options.halt
    const waiting = (): number =>
      [...this.#lanes.values()].reduce((sum, { lane }) => sum + lane.size, 0)
    while (waiting() >= mostInMemory && !stopping.aborted) {
      const moved = new Promise<void>((resolve) => {
        this.#moved = resolve
      })
      await Promise.race([this.#trouble, moved])
    }
  }

  #push(key: string, record: DeidentifiedRecord & AnyRecord, destination: Destination): void {
    const way = this.#wayTo(destination)
    const { ledgers, now } = this.#options
    const find = finderFor(destination)
    const commitment = this.#commitmentOf(key, way.line, destination)
    const tools = { ledgers, now, carrier: way.carrier, find, commitment }
    const delivery = new Delivery(record, destination, tools)
    // To look for each of ten thousand that a former process left would take as long as to look for all of them.
    if (this.#hasBegun) way.lane.push(key, delivery)
    else way.lane.add(key, delivery)
  }

  #wayTo(destination: Destination): Way {
    const id = `${destination.name} ${destination.url}`
    let way = this.#lanes.get(id)
    if (way === undefined) {
      this.#lanes.set(id, (way = this.#openLane(destination)))
      way.status?.changed()
    }
    return way
  }

  #openLane(destination: Destination): Way {
    const { now, halt, transactions, desk, inStage, waiting, spool } = this.#options
    const log = this.#options.log.child({ destination: destination.name })
    const carrier = carrierFor(destination, log, spool)
    const lane = new Lane({
      destination,
      log,
      now,
      clock: () => new Date(),
      halt,
      rest: () => carrier.rest(),
      ended: (key, delivery) => this.#end(key, delivery),
      broken: this.#broken,
      waitsForPersons: inStage && waiting.survivesTheProcess,
      isHeld: ({ record }) =>
        !this.#hasBegun || desk?.holdOf(destination.name, record.requestId) !== undefined,
      changed: () => status?.changed(),
      earlier: desk?.todayOf(destination),
    })
    const status = desk?.statusOf(destination, () => lane.report())
    return { lane, carrier, line: lineTo(destination, transactions), status }
  }

  #commitmentOf(
    key: string,
    line: CommitmentLine | undefined,
    destination: Destination,
  ): CommitmentOf | undefined {
    if (line === undefined) return undefined
    const about = { destination: destination.name, policy: destination.commitment, line }
    return {
      look: (objects, signal) => this.#commitments.look(key, objects, { ...about, signal }),
      settle: () => this.#commitments.settle(key),
    }
  }

  /** Where the study goes by the configuration of today, which may know its project no more. */
  #all({ project }: DeidentifiedRecord, destination: string): readonly string[] {
    try {
      const names = this.#options.destinations.of(project).map(({ name }) => name)
      return names.includes(destination) ? names : [...names, destination]
    } catch (error) {
      if (!(error instanceof FionaError)) throw error
      return [destination]
    }
  }

  async #end(
    key: string,
    delivery: Pick<Delivery, 'record' | 'outcome'> & Pick<EndOfDelivery, 'destination'>,
  ): Promise<void> {
    const { destination, record, outcome } = delivery
    const { log, waiting, ledgers } = this.#options
    const { name, url } = destination
    const records = outcomeRecords(record, destination, outcome, this.#all(record, name))
    const { sent, sentBefore, attempts, seconds } = outcome
    log.info(
      { request: record.requestId, destination: name, sent, sentBefore, attempts, seconds },
      howItEnded(outcome),
    )
    if (records.length > 1) this.#incomplete++
    const [transfer] = records
    // What cannot be read stays as it is until a person has mended it.
    if (outcome.isKnown) {
      await ledgers.ended({ destination, record, transfer, error: troubleOf(outcome) })
    }
    await waiting.keep(key, { destination: { name, url }, record, outcome: records })
    await this.#commitments.end(key)
    await this.#say(key, records)
    this.#moved()
  }

  async #say(key: string, records: readonly AnyRecord[]): Promise<void> {
    for (const record of records) await this.#options.emit(record)
    faultPoint('waiting.said')
    await this.#options.waiting.said(key)
  }
}

function lineTo(destination: Destination, transactions: Transactions): CommitmentLine | undefined {
  const { target, verify, callingAETitle, timeoutSeconds } = destination
  if (verify !== 'commitment' || target.kind !== 'dicom') return undefined
  return new CommitmentLine({ peer: { ...target, callingAETitle, timeoutSeconds }, transactions })
}

function dropped({ by, because }: Order): FionaError {
  return new FionaError('E_DROPPED', `${by} ended it: ${because ?? ''}`, {
    hint: 'it is not sent again by itself',
    exitCode: ExitCode.unavailable,
  })
}

function howItEnded(outcome: Outcome): string {
  if (!isComplete(outcome)) return 'not delivered as a whole'
  return outcome.error === undefined ? 'delivered' : 'delivered, but not verified'
}

function interrupted(destination: string): FionaError {
  return new FionaError('E_STOPPED', `stopped before the study was delivered to ${destination}`, {
    hint: 'replay this record; with --data-dir it would have been kept',
    retryable: true,
    exitCode: ExitCode.tryAgain,
  })
}
