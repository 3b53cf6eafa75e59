import { dirname } from 'node:path'
import { FionaError, troubleOfSurroundings } from '../error/index.ts'
import { faultPoint } from '../fault/index.ts'
import { nowIso, type AnyRecord, type DeidentifiedRecord } from '../record/index.ts'
import type { AskedObject } from '../transaction/index.ts'
import type { Cargo, Carrier, Conversion } from './carrier.ts'
import type { Destination } from './destination.ts'
import { digestObject } from './digest-object.ts'
import type { Finder } from './verify/find-objects.ts'
import { isOwnTrouble } from './lane/kinds-of-trouble.ts'
import { isUntouched, type Ledger, type Ledgers } from './ledger/ledger.ts'
import { listFiles, readObject, type StudyFile, type StudyObject } from './list-objects.ts'
import { lookUpDropped } from './look-up-dropped.ts'
import type { Outcome } from './outcome.ts'
import { noReport, notCommitted } from './verify/commitment-trouble.ts'
import type { CommitmentOf, CommitmentState } from './verify/commitments.ts'

/** How a try ended. */
export type Verdict =
  /** Everything is there. */
  | 'delivered'
  /** A later try may bring what is missing. */
  | { readonly retry: FionaError; readonly progressed: boolean }
  /** Something is missing that no try will bring. */
  | { readonly final: FionaError }
  /** All that can be done is done; the destination says by then whether it is committed. Monotonic, ms. */
  | { readonly awaits: number }
  /** We were stopped in the middle. */
  | 'interrupted'

/** How a try is brought to its end. */
export interface Halt {
  /** Aborted: take no other object. */
  readonly stopping: AbortSignal
  /** Aborted: give up the one that is under way. */
  readonly stopped: AbortSignal
}

export interface DeliveryTools {
  readonly ledgers: Ledgers
  readonly carrier: Carrier
  /** Monotonic, ms. */
  readonly now: () => number
  /** Absent when the destination is not to be asked what it has. */
  readonly find?: Finder | undefined
  /** Absent when it is not to be asked for storage commitment. */
  readonly commitment?: CommitmentOf | undefined
}

/**
 * One study on its way to one destination, in as many tries as it takes. Each try looks at the directory
 * anew, passes over what the ledger knows, and brings the rest.
 */
export class Delivery {
  readonly record: DeidentifiedRecord & AnyRecord
  readonly destination: Destination
  readonly #tools: DeliveryTools
  readonly #startedAt: number
  /** By file name: what no other try will mend. */
  readonly #lost = new Map<string, FionaError>()
  /**
   * Files on which the way broke: they go last, so that a poisonous one does not stop the others. Whether the
   * destination has them is not known.
   */
  readonly #suspects = new Set<string>()
  #failures = new Map<string, FionaError>()
  /** File names: of this run. */
  readonly #sent = new Set<string>()
  /** By file name: what was sent in another transfer syntax in this run. */
  readonly #converted = new Map<string, Conversion>()
  #sentBefore = 0
  #expected: number
  #attempts = 0
  #hasLedger = true
  #verified = false
  #committed = false
  /** By file name: delivered, and the destination does not commit itself to it. No other try will mend that. */
  readonly #uncommitted = new Map<string, FionaError>()
  /** Monotonic, ms: until when a report is awaited. */
  #awaits: number | undefined
  #error: FionaError | undefined

  constructor(
    record: DeidentifiedRecord & AnyRecord,
    destination: Destination,
    tools: DeliveryTools,
  ) {
    this.record = record
    this.destination = destination
    this.#tools = tools
    this.#startedAt = tools.now()
    this.#expected = record.instances
  }

  get outcome(): Outcome {
    const failures = [...this.#failures].map(([object, error]) => ({ object, error }))
    const known = this.#sent.size + this.#sentBefore + failures.length
    return {
      sent: this.#sent.size,
      sentBefore: this.#sentBefore,
      failures,
      isKnown: this.#hasLedger,
      alsoMissing: this.#hasLedger ? Math.max(0, this.#expected - known) : 0,
      converted: [...this.#converted.values()],
      error: this.#error,
      attempts: this.#attempts,
      seconds: (this.#tools.now() - this.#startedAt) / 1000,
      verified: this.#verified,
      committed: this.#committed,
      uncommitted: [...this.#uncommitted].map(([object, error]) => ({ object, error })),
    }
  }

  /** A try that was not made because the destination does not answer anyway. */
  skip(error: FionaError): void {
    this.#attempts++
    this.#error = error
  }

  /** A person ends it: what the destination has of it is looked up once more, for the record. */
  async drop(error: FionaError): Promise<void> {
    const { record, destination } = this
    const found = await lookUpDropped(record, destination.url, this.#tools.ledgers, error)
    this.#error = found.error
    this.#hasLedger = found.isKnown
    this.#expected = found.expected
    this.#sentBefore = found.there.filter((name) => !this.#sent.has(name)).length
  }

  async attempt(halt: Halt): Promise<Verdict> {
    this.#attempts++
    const sentUpToNow = this.#sent.size
    this.#error = undefined
    this.#hasLedger = true
    try {
      await this.#bring(halt)
    } catch (error) {
      if (!(error instanceof FionaError)) throw error
      this.#error = error
      // Without its ledger nothing is tried.
      if (isOwnTrouble(error)) {
        this.#hasLedger = false
        this.#attempts--
      }
    }
    const { failures, alsoMissing } = this.outcome
    const isThere = this.#error === undefined && failures.length === 0 && alsoMissing === 0
    const isOpen = this.#awaits !== undefined || this.#uncommitted.size > 0
    if (isThere && !isOpen) return 'delivered'
    // Whatever else it looks like: the rest was not tried.
    if (halt.stopping.aborted) return 'interrupted'
    const retry = this.#error ?? failures.find(({ error }) => mayPass(error))?.error
    if (retry !== undefined && mayPass(retry))
      return { retry, progressed: this.#sent.size > sentUpToNow }
    if (this.#awaits !== undefined) return { awaits: this.#awaits }
    const [uncommitted] = this.#uncommitted.values()
    this.#error ??= failures[0]?.error ?? uncommitted ?? filesMissing(alsoMissing)
    return { final: this.#error }
  }

  async #bring(halt: Halt): Promise<void> {
    const hasWaited = this.#awaits !== undefined
    this.#awaits = undefined
    this.#failures = new Map(this.#lost)
    const files = await listFiles(this.record.path)
    this.#expected = Math.max(this.record.instances, files.length)
    const ledger = await this.#tools.ledgers.open(this.destination.url, this.record.requestId)
    try {
      const missing = await this.#whatIsMissing(files, ledger, halt.stopping)
      if (missing.length > 0) await this.#carry(missing, ledger, halt)
      if (halt.stopping.aborted) return
      await this.#verify(files, ledger, halt.stopped)
      const asked = await this.#commit(files, ledger, halt.stopped)
      // To look whether an answer came is no try.
      if (hasWaited && missing.length + asked === 0) this.#attempts--
    } finally {
      await ledger.sync()
      await ledger.close()
    }
  }

  async #carry(files: readonly StudyFile[], ledger: Ledger, halt: Halt): Promise<void> {
    await this.#tools.carrier.carry(this.#cargo(files, ledger), {
      participant: this.record.participant,
      event: this.record.event,
      revision: this.record.revision,
      ...halt,
      before: (object) => ledger.find(object.name),
      // What was delivered before was there before the way broke on it; then it says nothing of this one.
      mayBeThere: ({ name }) => this.#suspects.has(name) && ledger.find(name) === undefined,
      arrived: (object, sha256, conversion) => {
        this.#sent.add(object.name)
        if (conversion === undefined) this.#converted.delete(object.name)
        else this.#converted.set(object.name, conversion)
        this.#suspects.delete(object.name)
        this.#note(ledger, object, sha256)
      },
      failed: (object, error) => {
        this.#fail(object.name, error, ledger)
      },
      suspect: (object) => {
        this.#suspects.add(object.name)
      },
    })
  }

  /** Headers are read just before an object goes. */
  #cargo(files: readonly StudyFile[], ledger: Ledger): Cargo {
    const open = (file: StudyFile): StudyObject | undefined => this.#open(file, ledger)
    return {
      length: files.length,
      *[Symbol.iterator]() {
        for (const file of files) {
          const object = open(file)
          if (object !== undefined) yield object
        }
      },
    }
  }

  /** @returns undefined when it cannot be sent, which is told of */
  #open(file: StudyFile, ledger: Ledger): StudyObject | undefined {
    try {
      return readObject(file, this.record.StudyInstanceUID)
    } catch (error) {
      if (!(error instanceof FionaError)) throw error
      this.#fail(file.name, error, ledger)
      return undefined
    }
  }

  /** What neither the ledger has nor an earlier try gave up. */
  async #whatIsMissing(
    files: readonly StudyFile[],
    ledger: Ledger,
    signal: AbortSignal,
  ): Promise<StudyFile[]> {
    const missing: StudyFile[] = []
    this.#sentBefore = 0
    for (const file of files) {
      if (signal.aborted) break
      if (this.#lost.has(file.name)) continue
      const before = ledger.find(file.name)
      if (before === undefined) missing.push(file)
      else if (isUntouched(file, before)) this.#isKnown(file)
      else if (!(await this.#isTheSame(file, before.sha256, ledger))) missing.push(file)
    }
    if (this.#tools.carrier.bringsWholeSeries === true) return this.#wholeSeries(missing, files)
    return missing.sort((a, b) => this.#rank(a) - this.#rank(b))
  }

  /** What is there already comes with what is missing of its series, and counts as sent when that is. */
  #wholeSeries(missing: readonly StudyFile[], files: readonly StudyFile[]): StudyFile[] {
    const series = new Set(missing.map(({ name }) => dirname(name)))
    const all = files.filter(({ name }) => series.has(dirname(name)) && !this.#lost.has(name))
    const again = new Set(all.map(({ name }) => name))
    for (const { name } of missing) again.delete(name)
    for (const name of again) if (!this.#sent.has(name)) this.#sentBefore--
    return all
  }

  /** Made again, and the same: the ledger learns its new date. */
  async #isTheSame(file: StudyFile, sha256: string, ledger: Ledger): Promise<boolean> {
    // What cannot be read is told of when its turn comes.
    const isSame = await digestObject(file.path).then(
      (digest) => digest === sha256,
      () => false,
    )
    if (!isSame) return false
    const object = this.#open(file, ledger)
    if (object === undefined) return true
    this.#note(ledger, object, sha256)
    this.#isKnown(file)
    return true
  }

  #fail(name: string, error: FionaError, ledger: Ledger): void {
    ledger.refuse(name, error, nowIso())
    this.#failures.set(name, error)
    if (!mayPass(error)) this.#lost.set(name, error)
  }

  #isKnown({ name }: StudyFile): void {
    if (!this.#sent.has(name)) this.#sentBefore++
  }

  #rank({ name }: StudyFile): number {
    return this.#suspects.has(name) ? 1 : 0
  }

  #note(ledger: Ledger, object: StudyObject, sha256: string): void {
    const { name, SOPClassUID, SOPInstanceUID, size, mtimeMs } = object
    const before = ledger.find(name)
    // Made again, and the same: what was said of it still holds.
    const committed = before?.sha256 === sha256 ? before.committed : undefined
    const delivered = { name, SOPClassUID, SOPInstanceUID, size, mtimeMs, sha256, time: nowIso() }
    ledger.add(committed === undefined ? delivered : { ...delivered, committed })
  }

  /** What the destination has taken and does not have is sent again with the next try. */
  async #verify(files: readonly StudyFile[], ledger: Ledger, signal: AbortSignal): Promise<void> {
    if (this.#tools.find === undefined) return
    const there = await this.#tools.find(this.record, signal)
    for (const { name } of files) {
      const delivered = ledger.find(name)
      if (delivered === undefined || there.has(delivered)) continue
      this.#withdraw(name, ledger, notThere(this.destination.name))
    }
    this.#verified = this.#failures.size === 0
  }

  /**
   * What is not committed is asked about, and what was reported is noted. An object that the destination
   * says it does not have is sent again with the next try.
   * @returns how many questions were asked
   */
  async #commit(files: readonly StudyFile[], ledger: Ledger, signal: AbortSignal): Promise<number> {
    const { commitment } = this.#tools
    if (commitment === undefined) return 0
    const open = new Map<string, AskedObject>()
    for (const file of files) {
      const delivered = ledger.find(file.name)
      if (delivered === undefined || delivered.committed !== undefined) continue
      if (this.#uncommitted.has(file.name)) continue
      const { SOPClassUID = this.#classOf(file), SOPInstanceUID, sha256 } = delivered
      open.set(file.name, { SOPClassUID, SOPInstanceUID, sha256 })
    }
    let asked = 0
    if (open.size > 0) {
      const state = await commitment.look([...open.values()], signal)
      this.#noteReported(open, state, ledger)
      // What was reported is not asked about again: so it is on disk first.
      await ledger.sync()
      faultPoint('ledger.committed')
      await commitment.settle()
      this.#awaits = state.until
      asked = state.asked
      if (state.until === undefined && state.unanswered > 0) {
        throw noReport(this.destination.name, state.unanswered)
      }
    }
    const isCommitted = ({ name }: StudyFile): boolean => ledger.find(name)?.committed !== undefined
    this.#committed = files.every(isCommitted) && this.#failures.size === 0
    this.#verified = this.#committed
    return asked
  }

  #noteReported(
    open: ReadonlyMap<string, AskedObject>,
    { committed, failed }: CommitmentState,
    ledger: Ledger,
  ): void {
    for (const [name, { SOPInstanceUID }] of open) {
      const reason = failed.get(SOPInstanceUID)
      if (committed.has(SOPInstanceUID)) ledger.commit(name, nowIso())
      else if (reason !== undefined) {
        const error = notCommitted(this.destination.name, reason)
        if (error.retryable) this.#withdraw(name, ledger, error)
        else this.#uncommitted.set(name, error)
      }
    }
  }

  /** The destination does not have it after all. */
  #withdraw(name: string, ledger: Ledger, error: FionaError): void {
    ledger.withdraw(name)
    if (!this.#sent.delete(name)) this.#sentBefore--
    this.#failures.set(name, error)
  }

  #classOf(file: StudyFile): string {
    return readObject(file, this.record.StudyInstanceUID).SOPClassUID
  }
}

/** A try that found no free descriptor says nothing of the object. */
function mayPass(error: FionaError): boolean {
  return error.retryable || troubleOfSurroundings(error) !== undefined
}

function notThere(destination: string): FionaError {
  return new FionaError('E_NOT_FOUND_THERE', `${destination} took it but does not have it`, {
    hint: 'does it store what it takes, and answer C-FIND for the study?',
    retryable: true,
  })
}

function filesMissing(count: number): FionaError {
  return new FionaError(
    'E_FILES_MISSING',
    `the directory of the study lacks ${String(count)} of its objects`,
    { hint: 'were they removed before they were delivered? De-identify the study again' },
  )
}
