import { faultPoint } from '../fault/index.ts'
import { joinMoves, saveCursor, type Lease, type MovingCursor } from '../journal/index.ts'
import type { MarkedPosition } from './mark-ledger.ts'
import type { Outlets } from './outlets.ts'

/** Segments that are gone are looked for so often, while the cursor moves. */
const tidyMs = 60_000

/** What outlives a run of the pipeline. */
export interface Progress {
  readonly cursor: MovingCursor
  /** When (performance.now()) segments that are gone were last taken out of it. */
  tidiedAt: number
  /** Of the last committed mark. */
  seq: number
  /** Whether the pipeline passes marks on, and at once; undefined until that is known. */
  passesMarks: boolean | undefined
}

export interface CommitContext {
  /** Directory of the journal that is read. */
  readonly from: string
  readonly stage: string
  readonly workers: number
  readonly progress: Progress
  readonly outlets: Outlets
  readonly lease: Lease
}

export interface CommitEvents {
  /** A position was committed that is so many lines further, and it took so long. */
  committed(lines: number, ms: number): void
  /** Nothing is left to do; `appended`: since the last time something was written to the journals. */
  settled(appended: boolean): void
  /** A full disk, a lost lease: nothing can be committed any more. */
  failed(error: unknown): void
}

/**
 * Output first, made durable; the cursor behind it. One commit at a time: what comes out while the disk is
 * busy goes with the next one, whose last mark stands for all.
 */
export class Commits {
  /** Of this run of the pipeline. */
  committed: { readonly lines: number; readonly bytes: number } = { lines: 0, bytes: 0 }
  #context: CommitContext
  #events: CommitEvents
  #due: MarkedPosition | undefined
  #running: Promise<void> | undefined
  #hasFailed = false

  constructor(context: CommitContext, events: CommitEvents) {
    this.#context = context
    this.#events = events
  }

  /** All that waits in the outlets now is vouched for up to this position. */
  due(position: MarkedPosition): void {
    const before = this.#due
    this.#due =
      before === undefined
        ? position
        : { ...position, moves: joinMoves(before.moves, position.moves) }
    this.#context.outlets.seal()
  }

  get isIdle(): boolean {
    return this.#due === undefined && this.#running === undefined
  }

  /** Begins, unless a commit is under way, which will go on with what has come. */
  soon(): void {
    if (this.#hasFailed) return
    this.#running ??= this.#commitAll()
      .catch((error: unknown) => {
        this.#hasFailed = true
        this.#events.failed(error)
      })
      .finally(() => {
        this.#running = undefined
        // What came between the last look and this moment.
        if (this.#hasWork) this.soon()
      })
  }

  async untilIdle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  get #hasWork(): boolean {
    return this.#due !== undefined || this.#context.outlets.hasSealed
  }

  async #commitAll(): Promise<void> {
    const { outlets } = this.#context
    let appended = 0
    while (this.#hasWork) {
      const due = this.#due
      this.#due = undefined
      faultPoint('stage.before-append')
      appended += await outlets.append()
      faultPoint('stage.appended')
      if (due !== undefined) await this.#commitPosition(due)
    }
    this.#events.settled(appended > 0)
  }

  async #commitPosition({ moves, lines, bytes, seq }: MarkedPosition): Promise<void> {
    const { progress, lease, from, stage, workers } = this.#context
    const { cursor } = progress
    const begunAt = performance.now()
    const moved = lines - this.committed.lines
    if (moved > 0) {
      lease.assertHeld()
      cursor.move(moves)
      if (begunAt - progress.tidiedAt > tidyMs) {
        await cursor.forgetGone(from)
        progress.tidiedAt = begunAt
      }
      faultPoint('cursor.before-save')
      await saveCursor(from, stage, { cursor: cursor.whole(), seq, workers })
      faultPoint('cursor.saved')
    }
    progress.seq = seq
    this.committed = { lines, bytes }
    if (moved > 0) this.#events.committed(moved, performance.now() - begunAt)
  }
}
