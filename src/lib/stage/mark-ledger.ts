import { joinMoves, type Moves } from '../journal/index.ts'

/** A place in the stream that was fed. */
export interface Position {
  /** How far the cursor has come since the place before it that was vouched for, or that a mark stands at. */
  readonly moves: Moves
  /** Lines and bytes fed before it in this run of the pipeline. */
  readonly lines: number
  readonly bytes: number
}

export interface MarkedPosition extends Position {
  readonly seq: number
}

/**
 * Which mark stands where, until it comes back. Numbers only grow. A mark that returns vouches for all
 * before it, so one that a filter dropped is made up for by the next; a number that was never given out,
 * or that has been passed, vouches for nothing.
 */
export class MarkLedger {
  #last: number
  #outstanding: MarkedPosition[] = []

  constructor(lastSeq: number) {
    this.#last = lastSeq
  }

  get outstanding(): number {
    return this.#outstanding.length
  }

  /** The last number given out. */
  get lastSeq(): number {
    return this.#last
  }

  /** Of all marks that have not come back. */
  get outstandingMoves(): Moves {
    return joinMoves(...this.#outstanding.map(({ moves }) => moves))
  }

  /** The number of a mark that stands behind `position`. */
  issue(position: Position): number {
    const seq = ++this.#last
    this.#outstanding.push({ ...position, seq })
    return seq
  }

  /** The position that is vouched for, or undefined when this is no mark of ours. */
  returned(seq: number): MarkedPosition | undefined {
    const at = this.#outstanding.findIndex((mark) => mark.seq === seq)
    if (at === -1) return undefined
    const passed = this.#outstanding.splice(0, at + 1)
    const last = passed.at(-1)
    return last && { ...last, moves: joinMoves(...passed.map(({ moves }) => moves)) }
  }
}
