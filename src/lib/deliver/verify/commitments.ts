import type { Logger } from 'pino'
import { ExitCode, FionaError } from '../../error/index.ts'
import { nowIso } from '../../record/index.ts'
import type { AskedObject, Transaction, Transactions } from '../../transaction/index.ts'
import { newUid, type Uid } from '../../uid/index.ts'
import type { CommitmentLine } from './commitment-line.ts'

/** A question names so many objects: its report then is a few hundred kilobytes, and some peers set limits. */
const mostObjectsAsked = 1000

/** How long a destination has to report, and how often it is asked. */
export interface CommitmentPolicy {
  readonly waitSeconds: number
  readonly asks: number
}

/** What a destination said so far of the objects of a delivery, by SOP Instance UID. */
export interface CommitmentState {
  readonly committed: ReadonlySet<string>
  /** With the Failure Reason (PS3.3 C.14.1.1); 0 where there is none. */
  readonly failed: ReadonlyMap<string, number>
  /** Objects about which it was asked as often as it may be, and said nothing. */
  readonly unanswered: number
  /** Monotonic, ms: a report may come until then; undefined when none is awaited. */
  readonly until: number | undefined
  /** Questions that were asked now. */
  readonly asked: number
}

/** The questions about one delivery. */
export interface CommitmentOf {
  look(objects: readonly AskedObject[], signal: AbortSignal): Promise<CommitmentState>
  settle(): Promise<void>
}

interface Open {
  readonly TransactionUID: Uid
  /** Monotonic, ms. */
  readonly until: number
  isAnswered: boolean
}

export interface CommitmentsOptions {
  readonly transactions: Transactions
  readonly owner: string
  /** Monotonic, ms. */
  readonly now: () => number
  readonly log: Logger
}

/**
 * The questions for storage commitment of all deliveries of this process. What is open is on disk; here is
 * only which belong to which delivery, and until when each may be answered. A report that comes late, to a
 * question that was asked again since, counts all the same.
 */
export class Commitments {
  readonly #options: CommitmentsOptions
  readonly #open = new Map<string, Open[]>()
  readonly #subjectOf = new Map<Uid, string>()
  readonly #stop = new AbortController()
  #watching: Promise<void> = Promise.resolve()

  constructor(options: CommitmentsOptions) {
    this.#options = options
  }

  /**
   * Goes on with what an earlier process asked.
   * @param policyOf that of a delivery that still waits; undefined: nobody waits for these answers
   * @param onReport a report came for this delivery
   */
  start(
    left: readonly Transaction[],
    policyOf: (subject: string) => CommitmentPolicy | undefined,
    onReport: (subject: string) => void,
  ): Promise<void> {
    const { transactions, now, log } = this.#options
    const heard = (TransactionUID: Uid): void => {
      const subject = this.#subjectOf.get(TransactionUID)
      if (subject !== undefined) onReport(subject)
    }
    this.#watching = transactions.watch(heard, this.#stop.signal).catch((error: unknown) => {
      log.error({ err: error }, 'reports of storage commitment are not noticed any more')
    })
    const ended: Promise<void>[] = []
    for (const { TransactionUID, subject, time, isTaken } of left) {
      const policy = policyOf(subject)
      if (policy === undefined) ended.push(transactions.end(TransactionUID))
      else {
        const passed = Math.max(0, Date.now() - Date.parse(time))
        // Where nobody knows whether it was heard, it is asked anew at once.
        const leftMs = isTaken ? policy.waitSeconds * 1000 - passed : 0
        this.#add(subject, TransactionUID, now() + leftMs)
      }
    }
    return Promise.all(ended).then(() => undefined)
  }

  /**
   * What was reported of these objects; those that nobody was asked about, or in vain, are asked about now.
   * @throws FionaError E_NOT_COMMITTED when the destination refuses the question; E_NOT_VERIFIED when it
   *   cannot be asked; E_STOPPED
   */
  async look(
    subject: string,
    objects: readonly AskedObject[],
    about: {
      readonly destination: string
      readonly policy: CommitmentPolicy
      readonly line: CommitmentLine
      readonly signal: AbortSignal
    },
  ): Promise<CommitmentState> {
    const known = await this.#reported(subject, objects)
    const open = objects.filter(
      ({ SOPInstanceUID: uid }) =>
        !known.committed.has(uid) && !known.failed.has(uid) && !known.awaited.has(uid),
    )
    const asksOf = ({ SOPInstanceUID }: AskedObject): number => known.asks.get(SOPInstanceUID) ?? 0
    const toAsk = open.filter((object) => asksOf(object) < about.policy.asks)
    let until = known.until
    let asked = 0
    for (let at = 0; at < toAsk.length; at += mostObjectsAsked) {
      const portion = toAsk.slice(at, at + mostObjectsAsked)
      const ask = Math.max(...portion.map(asksOf)) + 1
      await this.#ask(subject, portion, ask, about)
      asked++
      const deadline = this.#options.now() + about.policy.waitSeconds * 1000
      until = Math.min(until ?? Infinity, deadline)
    }
    const { committed, failed } = known
    return { committed, failed, unanswered: open.length - toAsk.length, until, asked }
  }

  /** What was reported is noted elsewhere: those questions are over. */
  async settle(subject: string): Promise<void> {
    const all = this.#open.get(subject) ?? []
    await this.#end(all.filter(({ isAnswered }) => isAnswered))
    const rest = all.filter(({ isAnswered }) => !isAnswered)
    if (rest.length > 0) this.#open.set(subject, rest)
    else this.#open.delete(subject)
  }

  /** The delivery is over: nobody waits for an answer. */
  async end(subject: string): Promise<void> {
    await this.#end(this.#open.get(subject) ?? [])
    this.#open.delete(subject)
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#watching
  }

  async #reported(subject: string, objects: readonly AskedObject[]) {
    const { transactions, now } = this.#options
    const digestOf = new Map(
      objects.map(({ SOPInstanceUID, sha256 }) => [SOPInstanceUID, sha256] as const),
    )
    const committed = new Set<string>()
    const failed = new Map<string, number>()
    const awaited = new Set<string>()
    /** How often each was asked about and nothing was said. */
    const asks = new Map<string, number>()
    let until: number | undefined
    for (const open of this.#open.get(subject) ?? []) {
      const transaction = await transactions.find(open.TransactionUID)
      const report = await transactions.reportOf(open.TransactionUID)
      open.isAnswered = report !== undefined || transaction === undefined
      const isWaitedFor = !open.isAnswered && open.until > now()
      if (isWaitedFor) until = Math.min(until ?? Infinity, open.until)
      const saidYes = new Set(report?.committed)
      const saidNo = new Map(
        report?.failed.map(({ SOPInstanceUID, reason }) => [SOPInstanceUID, reason] as const),
      )
      for (const { SOPInstanceUID: uid, sha256 } of transaction?.objects ?? []) {
        // What was sent again since, made anew, is not what the answer is about.
        if (digestOf.get(uid) !== sha256) continue
        if (saidYes.has(uid)) {
          committed.add(uid)
          failed.delete(uid)
        } else if (report !== undefined) failed.set(uid, saidNo.get(uid) ?? 0)
        else {
          // A question that nobody may have heard does not count.
          if (transaction?.isTaken === true) asks.set(uid, transaction.ask)
          if (isWaitedFor) awaited.add(uid)
        }
      }
    }
    for (const uid of awaited) if (!committed.has(uid)) failed.delete(uid)
    return { committed, failed, awaited, asks, until }
  }

  async #ask(
    subject: string,
    objects: readonly AskedObject[],
    ask: number,
    about: Parameters<Commitments['look']>[2],
  ): Promise<void> {
    const { transactions, owner, now, log } = this.#options
    const { destination, policy, line, signal } = about
    const TransactionUID = newUid()
    const transaction: Transaction = {
      TransactionUID,
      owner,
      subject,
      destination,
      time: nowIso(),
      ask,
      objects,
      isTaken: false,
    }
    this.#add(subject, TransactionUID, now() + policy.waitSeconds * 1000)
    await transactions.begin(transaction)
    try {
      await line.ask(transaction, signal)
    } catch (error) {
      await this.#end([{ TransactionUID }])
      const rest = (this.#open.get(subject) ?? []).filter(
        (one) => one.TransactionUID !== TransactionUID,
      )
      this.#open.set(subject, rest)
      throw cannotAsk(error)
    }
    await transactions.taken(TransactionUID)
    log.info(
      { destination, transaction: TransactionUID, objects: objects.length, ask },
      'storage commitment was asked for',
    )
  }

  #add(subject: string, TransactionUID: Uid, until: number): void {
    const open = { TransactionUID, until, isAnswered: false }
    this.#open.set(subject, [...(this.#open.get(subject) ?? []), open])
    this.#subjectOf.set(TransactionUID, subject)
  }

  async #end(some: readonly Pick<Open, 'TransactionUID'>[]): Promise<void> {
    for (const { TransactionUID } of some) {
      this.#subjectOf.delete(TransactionUID)
      await this.#options.transactions.end(TransactionUID)
    }
  }
}

function cannotAsk(error: unknown): unknown {
  if (!(error instanceof FionaError)) return error
  if (error.code === 'E_STOPPED' || error.code === 'E_NOT_COMMITTED') return error
  return new FionaError(
    'E_NOT_VERIFIED',
    `it could not be asked for storage commitment: ${error.message}`,
    {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      retryable: error.retryable,
      exitCode: ExitCode.unavailable,
      cause: error,
    },
  )
}
