/** Failures at the same place before the records there come under suspicion, and before one is condemned. */
const failuresToSuspect = 3
const failuresToCondemn = 3

export type Verdict =
  /** Try the same again. */
  | 'retry'
  /** The records in flight are suspected from now on: see whether the pipeline works without any. */
  | 'suspect'
  /** The first record killed the pipeline again and again, alone. */
  | 'condemn'

/**
 * Finds the record that kills the pipeline. While all goes well there is no limit. When it failed several
 * times at the same place, what was in flight is run again in smaller and smaller parts, each with a
 * pipeline of its own: a part that passes is done, one that fails is halved. What is left is one record.
 */
export class Suspicion {
  /** Failures in a row without a record committed in between. */
  #failures = 0
  /** How many lines from the cursor on are suspected; 0: none. */
  #suspects = 0
  #part = 0
  /** Failures in a row of runs that held nothing but the one record that is left. */
  #failuresAlone = 0

  /** How many lines the next run may take; undefined: no limit. */
  get limit(): number | undefined {
    return this.#suspects > 0 ? this.#part : undefined
  }

  get failures(): number {
    return this.#failures
  }

  /** Lines were committed, by marks or because the pipeline ended well. */
  committed(lines: number): void {
    if (lines === 0) return
    this.#failures = 0
    this.#failuresAlone = 0
    this.#suspects = Math.max(0, this.#suspects - lines)
    this.#part = half(this.#suspects)
  }

  /**
   * The pipeline failed.
   * @param inFlight lines it had been given and that are not committed; 0 when it is not the records' fault
   * @param isRunaway it was ended because it would not have ended: no accident, and dear to try again
   */
  failed(inFlight: number, isRunaway = false): Verdict {
    this.#failures++
    if (inFlight === 0) {
      this.acquit()
      return 'retry'
    }
    if (this.#suspects === 0) {
      if (!isRunaway && this.#failures < failuresToSuspect) return 'retry'
      this.#suspect(inFlight, isRunaway)
      return 'suspect'
    }
    if (inFlight > 1 || this.#part > 1) {
      this.#suspect(inFlight, isRunaway)
      return 'retry'
    }
    this.#failuresAlone++
    return isRunaway || this.#failuresAlone >= failuresToCondemn ? 'condemn' : 'retry'
  }

  /** With a mark behind each line, the culprit mostly is the first that was not committed: then halving is waste. */
  #suspect(lines: number, isFirstLikely: boolean): void {
    this.#suspects = lines
    this.#part = isFirstLikely ? 1 : half(lines)
    this.#failuresAlone = 0
  }

  /** The records are not at fault: the pipeline fails without them, too. */
  acquit(): void {
    this.#suspects = 0
    this.#part = 0
    this.#failuresAlone = 0
  }
}

function half(count: number): number {
  return Math.ceil(count / 2)
}
