import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cursor } from './cursor.ts'
import { journalDirectory } from './location.ts'
import { listSegments } from './segment.ts'

export interface JournalSize {
  readonly bytes: number
  /** Behind every segment that rested: reading from here skips them. */
  readonly rested: Cursor
}

/**
 * What can be told without reading a line, however long the journal.
 * @param sinceMs a segment that was last written before this time (ms since 1970) rested
 */
export async function journalSize(place: string | URL, sinceMs: number): Promise<JournalSize> {
  const directory = journalDirectory(place)
  let bytes = 0
  const rested: [string, number][] = []
  for (const segment of await listSegments(directory)) {
    // Pruned at this moment: it is not there any more.
    const found = await stat(join(directory, segment)).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    })
    if (found === undefined) continue
    bytes += found.size
    if (found.mtimeMs < sinceMs) rested.push([segment, found.size])
  }
  return { bytes, rested: Object.fromEntries(rested) }
}
