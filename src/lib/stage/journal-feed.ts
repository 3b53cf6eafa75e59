import { readJournal, type Cursor, type JournalChunk } from '../journal/index.ts'

export interface FeedOptions {
  readonly cursor: Cursor
  /** Wait for more at the end. */
  readonly follow: boolean
  /** Aborted when no more is wanted; a wait ends at once. */
  readonly stop: AbortSignal
}

/**
 * So much of a stream is fed together: each piece wakes every filter of the pipeline, and for one record that costs
 * more than the record itself. Nobody waits for a record of a stream but the end of its study, and that has its own
 * quiet time.
 */
const gatherMs = 80

/** A journal's chunks one by one, and whether there is a pause before the next. */
export class JournalFeed {
  #chunks: AsyncGenerator<JournalChunk, void, undefined>
  #reading = new AbortController()
  #stop: AbortSignal
  #onStop = (): void => {
    this.#reading.abort()
  }

  constructor(from: string, { cursor, follow, stop }: FeedOptions) {
    this.#stop = stop
    stop.addEventListener('abort', this.#onStop)
    if (stop.aborted) this.#onStop()
    const { signal } = this.#reading
    this.#chunks = readJournal(from, { cursor, follow, gatherMs, signal })
  }

  /** @param pauseMs tell of a pause of this length in place of waiting; after it, only `close` is allowed */
  async next(pauseMs: number | undefined): Promise<JournalChunk | 'pause' | 'end'> {
    const next = this.#chunks.next().then((result) => (result.done === true ? 'end' : result.value))
    if (pauseMs === undefined) return next
    let timer: NodeJS.Timeout | undefined
    const pause = new Promise<'pause'>((resolve) => {
      timer = setTimeout(resolve, pauseMs, 'pause')
    })
    const first = await Promise.race([next, pause])
    clearTimeout(timer)
    if (first === 'pause') next.catch(() => undefined)
    return first
  }

  async close(): Promise<void> {
    this.#stop.removeEventListener('abort', this.#onStop)
    this.#reading.abort()
    await this.#chunks.return()
  }
}
