import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { countLines } from './count-lines.ts'
import { listReaders, loadCursor } from './cursor.ts'
import { LineReader } from './line-reader.ts'
import { journalDirectory } from './location.ts'
import { listSegments } from './segment.ts'
import { writersOf } from './writers.ts'

/** What a reader has before it: whole lines it has not yet dealt with, and their bytes. */
export interface Lag {
  readonly lagBytes: number
  readonly lagLines: number
}

export interface JournalStat {
  /** Everyone who has segments here; `living` of them may still write. */
  readonly writers: number
  readonly living: number
  readonly segments: number
  /** Of the files; a torn last line counts. */
  readonly bytes: number
  readonly lines: number
  /** Bytes behind the last whole lines: torn, or being written at this moment. */
  readonly tornBytes: number
  readonly readers: Readonly<Record<string, Lag>>
}

/** Counts by reading everything: as exact as the moment allows, at the disk's speed. */
export async function journalStat(place: string | URL): Promise<JournalStat> {
  const directory = journalDirectory(place)
  const writers = await writersOf(directory)
  const readers = await Promise.all(
    (await listReaders(directory)).map(async (name) => ({
      name,
      cursor: (await loadCursor(directory, name))?.cursor ?? {},
      lagBytes: 0,
      lagLines: 0,
    })),
  )
  let bytes = 0
  let lineBytes = 0
  let lineCount = 0
  const segments = await listSegments(directory)
  const reader = new LineReader(1024 * 1024)
  for (const segment of segments) {
    const path = join(directory, segment)
    bytes += await stat(path).then(
      ({ size }) => size,
      () => 0,
    )
    for await (const { lines, end } of reader.read(path, 0)) {
      lineBytes += lines.length
      lineCount += countLines(lines)
      const start = end - lines.length
      for (const lagging of readers) {
        const done = Math.max(0, Math.min(lines.length, (lagging.cursor[segment] ?? 0) - start))
        lagging.lagBytes += lines.length - done
        lagging.lagLines += countLines(lines, done)
      }
    }
  }
  return {
    writers: writers.all.length,
    living: writers.living.size,
    segments: segments.length,
    bytes,
    lines: lineCount,
    tornBytes: Math.max(0, bytes - lineBytes),
    readers: Object.fromEntries(
      readers.map(({ name, lagBytes, lagLines }) => [name, { lagBytes, lagLines }]),
    ),
  }
}
