import type { ReferenceList } from './reference-list.ts'
import { FailureReason, type Reference } from '../transaction/index.ts'

/** What became of a request: an object is committed, or there is a reason why not. */
export class Outcome {
  readonly references: ReferenceList
  /** Failure Reason of each; 0: it is committed. */
  readonly #reasons: Uint16Array

  /** Nothing is committed as long as nothing was found. */
  constructor(
    references: ReferenceList,
    reason: FailureReason = FailureReason.noSuchObjectInstance,
  ) {
    this.references = references
    this.#reasons = new Uint16Array(references.length).fill(reason)
  }

  commit(index: number): void {
    this.#reasons[index] = 0
  }

  /** Of several files under the UID, the one that came nearest to being the object tells the reason. */
  fail(index: number, reason: FailureReason): void {
    if (this.#reasons[index] === FailureReason.noSuchObjectInstance) this.#reasons[index] = reason
  }

  /** How many failed for each reason. */
  get failures(): ReadonlyMap<FailureReason, number> {
    const counts = new Map<FailureReason, number>()
    for (const reason of this.#reasons) {
      if (isFailure(reason)) counts.set(reason, (counts.get(reason) ?? 0) + 1)
    }
    return counts
  }

  get hasFailures(): boolean {
    return this.#reasons.some(isFailure)
  }

  get hasCommitted(): boolean {
    return this.#reasons.includes(0)
  }

  *committed(): Generator<Reference, void, undefined> {
    for (let index = 0; index < this.references.length; index++) {
      if (this.#reasons[index] === 0) yield this.references.at(index)
    }
  }

  *failed(): Generator<Reference & { readonly reason: FailureReason }, void, undefined> {
    for (let index = 0; index < this.references.length; index++) {
      const reason = this.#reasons[index] ?? 0
      if (!isFailure(reason)) continue
      // No spread: it makes a hidden class for each, and all of them outlive many collections.
      const { SOPClassUID, SOPInstanceUID } = this.references.at(index)
      yield { SOPClassUID, SOPInstanceUID, reason }
    }
  }
}

function isFailure(reason: number): reason is FailureReason {
  return reason !== 0
}
