import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { makeDirectories } from '../storage/index.ts'
import type { Cursor } from './cursor.ts'
import { DirectoryWatch, type Changes } from '../storage/index.ts'
import { journalDirectory } from './location.ts'
import { endOfLines, LineReader } from './line-reader.ts'
import { isSegment, listSegments } from './segment.ts'

export interface ReadOptions {
  /** Where to go on; from the first line of every segment unless told. */
  readonly cursor?: Cursor | undefined
  /** Start behind what is there now; for a reader without a cursor. */
  readonly fromEnd?: boolean | undefined
  /** Wait for more at the end, until `signal`. A journal that does not exist is made. */
  readonly follow?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  /** About how much comes at once, 256 KiB unless told. A longer line comes whole. */
  readonly chunkBytes?: number | undefined
  /**
   * Following, what comes this soon (ms) after what came before waits until then, to be read together. What comes
   * after a pause is seen at once.
   */
  readonly gatherMs?: number | undefined
}

export interface JournalChunk {
  /** Whole lines, each with its newline. */
  readonly lines: Buffer
  /** The segment they are from, */
  readonly segment: string
  /** and the offset in it behind them. */
  readonly end: number
}

/**
 * The lines of a journal: in order within a writer, segments in the order of their making. What stands
 * behind the last newline of a segment is not (yet) a line and stays unread. Memory does not grow with
 * the journal's length.
 */
export async function* readJournal(
  place: string | URL,
  options: ReadOptions = {},
): AsyncGenerator<JournalChunk, void, undefined> {
  const directory = journalDirectory(place)
  const { signal, follow = false } = options
  if (follow) await makeDirectories(directory)
  // Watching begins before the first look, so that nothing falls in between.
  const watch = follow ? new DirectoryWatch(directory) : undefined
  try {
    const start =
      options.cursor ?? (options.fromEnd === true ? await endOfJournal(directory) : undefined)
    const offsets = new Map(Object.entries(start ?? {}))
    const reader = new LineReader(options.chunkBytes ?? 256 * 1024)
    let changes: Changes = 'all'
    for (;;) {
      const lookedAt = performance.now()
      let isStream = false
      for (const name of await segmentsToRead(directory, changes, offsets)) {
        const path = join(directory, name)
        const offset = offsets.get(name) ?? 0
        const size = statSync(path, { throwIfNoEntry: false })?.size
        if (size === undefined) offsets.delete(name)
        // Of thousands of segments most have been read: looking costs less than opening.
        if (size === undefined || size <= offset) continue
        for await (const { lines, end } of reader.read(path, offset)) {
          if (signal?.aborted === true) return
          offsets.set(name, end)
          isStream = true
          yield { lines, segment: name, end }
        }
      }
      if (watch === undefined) return
      const restMs = isStream ? lookedAt + (options.gatherMs ?? 0) - performance.now() : 0
      if (restMs > 0) await delay(restMs, undefined, { signal }).catch(() => undefined)
      changes = await watch.changes(signal)
      if (signal?.aborted === true) return
    }
  } finally {
    watch?.close()
  }
}

/** The position behind every whole line that is there now. */
export async function endOfJournal(directory: string): Promise<Cursor> {
  const ends: [string, number][] = []
  for (const name of await listSegments(directory)) {
    ends.push([name, endOfLines(join(directory, name))])
  }
  return Object.fromEntries(ends)
}

async function segmentsToRead(
  directory: string,
  changes: Changes,
  offsets: Map<string, number>,
): Promise<string[]> {
  if (changes !== 'all') return [...changes].filter(isSegment).sort()
  const segments = await listSegments(directory)
  const present = new Set(segments)
  // A segment that was pruned leaves the cursor, too.
  for (const name of offsets.keys()) if (!present.has(name)) offsets.delete(name)
  return segments
}
