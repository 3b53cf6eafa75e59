import { once } from 'node:events'
import type {
  AnyRecord,
  DeidentifiedRecord,
  HeldRecord,
  StudyRecord,
  TransferRecord,
} from '../record/index.ts'
import { isRecordOf } from '../record/index.ts'

interface SentStudy {
  received: number
  complete: StudyRecord | undefined
}

/**
 * Follows the demonstration's own studies through the journals. Behind the privacy boundary nothing
 * says which study a record came from, so there the records themselves are counted: each study must
 * come out again, delivered or held.
 */
export class Progress {
  readonly #studies = new Map<string, SentStudy>()
  readonly #expected = new Map<string, number>()
  readonly #deidentified = new Map<string, DeidentifiedRecord>()
  readonly #held = new Map<string, HeldRecord>()
  readonly #transfers = new Map<string, TransferRecord>()
  readonly #errors: string[] = []
  #changed = new EventTarget()

  /** @param studies the StudyInstanceUID of each object that will be sent */
  follow(studies: readonly string[]): void {
    for (const study of studies) {
      this.#studies.set(study, { received: 0, complete: undefined })
      this.#expected.set(study, (this.#expected.get(study) ?? 0) + 1)
    }
  }

  see(journal: string, record: AnyRecord): void {
    const study = this.#studies.get(String(record['StudyInstanceUID']))
    if (study !== undefined && journal === 'received' && record.type === 'instance')
      study.received++
    if (study !== undefined && journal === 'organized' && isRecordOf(record, 'study')) {
      study.complete = record
    }
    if (isRecordOf(record, 'deidentified')) this.#deidentified.set(record.requestId, record)
    if (isRecordOf(record, 'held')) this.#held.set(record.requestId, record)
    if (isRecordOf(record, 'transfer')) this.#transfers.set(record.requestId, record)
    if (isRecordOf(record, 'error')) this.#errors.push(`${record.tool}: ${record.message}`)
    this.#changed.dispatchEvent(new Event('change'))
  }

  get received(): number {
    return sum([...this.#studies.values()].map(({ received }) => received))
  }
  get studies(): readonly StudyRecord[] {
    return [...this.#studies.values()].flatMap(({ complete }) => complete ?? [])
  }
  get deidentified(): readonly DeidentifiedRecord[] {
    return [...this.#deidentified.values()]
  }
  get held(): readonly HeldRecord[] {
    return [...this.#held.values()]
  }
  get errors(): readonly string[] {
    return this.#errors
  }
  /** How the delivery of a de-identified study ended, if it has. */
  transferOf({ requestId }: DeidentifiedRecord): TransferRecord | undefined {
    return this.#transfers.get(requestId)
  }

  /**
   * Resolves when each study is complete, and delivered or held, or when an error came instead.
   * @throws the reason of `signal`, when it fires before
   */
  async finished(signal: AbortSignal): Promise<void> {
    while (!this.#isFinished()) {
      signal.throwIfAborted()
      await once(this.#changed, 'change', { signal })
    }
  }

  #isFinished(): boolean {
    if (this.#errors.length > 0) return true
    const allComplete = [...this.#studies].every(
      ([uid, { complete }]) => complete?.instances === this.#expected.get(uid),
    )
    const cameOut = this.#deidentified.size + this.#held.size
    const allDelivered = this.deidentified.every((each) => this.transferOf(each) !== undefined)
    return allComplete && allDelivered && cameOut >= this.#studies.size
  }
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
