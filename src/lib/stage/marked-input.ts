import { countLines, joinMoves, type JournalChunk } from '../journal/index.ts'
import type { Progress } from './commits.ts'
import { MarkLedger, type MarkedPosition } from './mark-ledger.ts'
import { withoutMarks } from './without-marks.ts'
import type { Workers } from './workers.ts'

/** Marks on their way at the same time. Each costs its filters a sync, so a slow pipeline gets fewer. */
const maxOutstanding = 4
/** A mark also costs a commit. While more and more comes, one stands no closer to the last than this, */
const markPauseMs = 100
/** and no closer than so many times what the commit of one took, up to a limit: a cursor may name very many segments, */
const commitsApart = 4
const longestPauseMs = 500
/** and than so many times what the last one took to come back: filters make things durable for each. Not long, for */
const tripsApart = 3
/** what they say goes on to the next stage behind a mark only, */
const longestTripPauseMs = 250
/** unless so much has been fed since: a part of what may be in flight. */
const markDistance = { lines: 2500, bytes: 4 * 1024 * 1024 }

/** What goes into a pipeline: records from the journal, with marks of our own between them. */
export class MarkedInput {
  readonly #workers: Workers
  readonly #progress: Progress
  readonly #ledger: MarkLedger
  readonly #foreignMarks: (count: number) => void
  #fed = { lines: 0, bytes: 0 }
  /** Since the last mark. */
  #moves = new Map<string, number>()
  #wantsMark = false
  /** Where the last mark was given out, and when. */
  #marked = this.#fed
  #markedAt = -Infinity
  #commitPauseMs = 0
  #tripPauseMs = 0
  /** When each mark that has not come back was given out. */
  readonly #givenAt = new Map<number, number>()

  readonly #now: () => number

  /**
   * @param foreignMarks is told how many marks stood in the journal, where none belongs: they are left out
   * @param now monotonic, ms
   */
  constructor(
    workers: Workers,
    progress: Progress,
    foreignMarks: (count: number) => void,
    now = () => performance.now(),
  ) {
    this.#workers = workers
    this.#progress = progress
    this.#ledger = new MarkLedger(progress.seq)
    this.#foreignMarks = foreignMarks
    this.#now = now
  }

  /** Lines and bytes so far. */
  get fed(): { readonly lines: number; readonly bytes: number } {
    return this.#fed
  }

  /** Marks that have not come back. */
  get outstanding(): number {
    return this.#ledger.outstanding
  }

  /** Somebody has asked for a mark, and it has not been given out yet. */
  get wantsMark(): boolean {
    return this.#wantsMark
  }

  /** Behind everything: what a pipeline vouches for that has ended well. */
  get end(): MarkedPosition {
    const moves = joinMoves(this.#ledger.outstandingMoves, this.#moves)
    return { ...this.#fed, moves, seq: this.#ledger.lastSeq }
  }

  /**
   * The position moves in the same turn as the write: a mark written later stands behind these lines.
   * @returns when the pipeline has taken them
   */
  write(chunk: JournalChunk): Promise<void> {
    const { lines, dropped } = withoutMarks(chunk.lines)
    if (dropped > 0) this.#foreignMarks(dropped)
    this.#moves.set(chunk.segment, chunk.end)
    this.#fed = {
      lines: this.#fed.lines + countLines(chunk.lines),
      bytes: this.#fed.bytes + chunk.lines.length,
    }
    return this.#workers.write(lines)
  }

  mark(): Promise<void> {
    const seq = this.#ledger.issue({ ...this.#fed, moves: this.#moves })
    this.#moves = new Map()
    const mark = { type: 'mark', seq, committed: this.#progress.seq }
    this.#marked = this.#fed
    this.#markedAt = this.#now()
    this.#givenAt.set(seq, this.#markedAt)
    return this.#workers.mark(seq, `${JSON.stringify(mark)}\n`)
  }

  commitTook(ms: number): void {
    this.#commitPauseMs = Math.min(longestPauseMs, commitsApart * ms)
  }

  wantMark(): void {
    this.#wantsMark = true
  }

  /**
   * The mark that is wanted, unless enough are on their way: then when one of them has come back.
   * @returns milliseconds after which to ask again, when it is too soon for one
   */
  markIfWanted(): number | undefined {
    if (!this.#wantsMark || this.#ledger.outstanding >= maxOutstanding) return undefined
    const pauseMs = Math.max(markPauseMs, this.#commitPauseMs, this.#tripPauseMs)
    const waitMs = this.#markedAt + pauseMs - this.#now()
    if (waitMs > 0 && !this.#isFarFromMark) return waitMs
    this.#wantsMark = false
    void this.mark()
    return undefined
  }

  get #isFarFromMark(): boolean {
    const { lines, bytes } = this.#fed
    return (
      lines - this.#marked.lines >= markDistance.lines ||
      bytes - this.#marked.bytes >= markDistance.bytes
    )
  }

  /** The position that a mark vouches for which came out; undefined when it is none of ours. */
  returned(seq: number): MarkedPosition | undefined {
    const position = this.#ledger.returned(seq)
    if (position === undefined) return undefined
    const tripMs = this.#now() - (this.#givenAt.get(seq) ?? this.#now())
    this.#tripPauseMs = Math.min(longestTripPauseMs, tripsApart * tripMs)
    for (const given of this.#givenAt.keys()) if (given <= seq) this.#givenAt.delete(given)
    return position
  }
}
