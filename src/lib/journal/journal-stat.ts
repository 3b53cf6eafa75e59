import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { listReaders, loadCursor } from './cursor.ts'
import { LineReader } from './line-reader.ts'
import { journalDirectory } from './location.ts'
import { listSegments } from './segment.ts'

export interface Lag {
  /** Whole lines the reader has not yet dealt with, and their bytes. */
  readonly lagBytes: number
  readonly lagRecords: number
}

export interface JournalStat {
  readonly segments: number
  /** Of the files; a torn last line counts. */
  readonly bytes: number
  readonly records: number
  readonly readers: Readonly<Record<string, Lag>>
}

/** Counts by reading everything: as exact as the moment allows, at the disk's speed. */
export async function journalStat(place: string | URL): Promise<JournalStat> {
  const directory = journalDirectory(place)
  const readers = await Promise.all(
    (await listReaders(directory)).map(async (name) => ({
      name,
      cursor: (await loadCursor(directory, name))?.cursor ?? {},
      lagBytes: 0,
      lagRecords: 0,
    })),
  )
  let bytes = 0
  let records = 0
  const segments = await listSegments(directory)
  const reader = new LineReader(1024 * 1024)
  for (const segment of segments) {
    const path = join(directory, segment)
    bytes += await stat(path).then(
      ({ size }) => size,
      () => 0,
    )
    for await (const { lines, end } of reader.read(path, 0)) {
      records += countLines(lines, 0)
      const start = end - lines.length
      for (const lagging of readers) {
        const done = Math.max(0, Math.min(lines.length, (lagging.cursor[segment] ?? 0) - start))
        lagging.lagBytes += lines.length - done
        lagging.lagRecords += countLines(lines, done)
      }
    }
  }
  return {
    segments: segments.length,
    bytes,
    records,
    readers: Object.fromEntries(
      readers.map(({ name, lagBytes, lagRecords }) => [name, { lagBytes, lagRecords }]),
    ),
  }
}

function countLines(lines: Buffer, from: number): number {
  let count = 0
  for (let at = lines.indexOf(0x0a, from); at !== -1; at = lines.indexOf(0x0a, at + 1)) count++
  return count
}
