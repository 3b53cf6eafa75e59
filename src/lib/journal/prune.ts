import { rm, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { syncDirectory } from '../storage/index.ts'
import { listReaders, loadCursor, type Cursor } from './cursor.ts'
import { journalDirectory } from './location.ts'
import { notePruned } from './pruned-up-to.ts'
import { sealName } from './seal.ts'
import { listSegments, newestSegments, writerOf } from './segment.ts'
import { forgetDeadWriters, writersOf } from './writers.ts'

/** Why a segment stays. */
export type Kept = 'unread' | 'recent' | 'in use'

export interface PruneOptions {
  /** A segment that was written to within this time stays. */
  readonly olderThanMs: number
  /** Where nobody has ever saved a cursor, go by age alone. */
  readonly unread?: boolean | undefined
  readonly dryRun?: boolean | undefined
}

export interface Pruned {
  readonly removed: readonly { readonly segment: string; readonly bytes: number }[]
  readonly kept: Readonly<Record<Kept, number>>
  readonly readers: readonly string[]
}

/**
 * Removes whole segments that every reader has passed to their last byte, and that are old enough. The
 * newest one of a living writer always stays. A torn last line keeps its segment until it is repaired,
 * and a journal without readers is kept: its reader may not have begun yet.
 */
export async function pruneJournal(place: string | URL, options: PruneOptions): Promise<Pruned> {
  const directory = journalDirectory(place)
  const writers = await writersOf(directory)
  const readers = await listReaders(directory)
  const cursors = await Promise.all(
    readers.map(async (reader) => (await loadCursor(directory, reader))?.cursor ?? {}),
  )
  const segments = await listSegments(directory)
  const newest = newestSegments(segments)
  const removed: { segment: string; bytes: number }[] = []
  const kept = { unread: 0, recent: 0, 'in use': 0 }
  for (const segment of segments) {
    const { size, mtimeMs } = await stat(join(directory, segment))
    const reason = reasonToKeep(segment, size, mtimeMs)
    if (reason !== undefined) {
      kept[reason]++
      continue
    }
    if (options.dryRun !== true) {
      await notePruned(directory, Math.ceil(mtimeMs))
      await unlink(join(directory, segment))
      await rm(join(directory, sealName(segment)), { force: true })
    }
    removed.push({ segment, bytes: size })
  }
  if (options.dryRun !== true) {
    if (removed.length > 0) await syncDirectory(directory)
    await forgetDeadWriters(directory, writers)
  }
  return { removed, kept, readers }

  function reasonToKeep(segment: string, size: number, mtimeMs: number): Kept | undefined {
    if (isNewestOfLiving(segment)) return 'in use'
    if (!isPassed(cursors, segment, size)) return 'unread'
    return Date.now() - mtimeMs < options.olderThanMs ? 'recent' : undefined
  }

  function isNewestOfLiving(segment: string): boolean {
    const writer = writerOf(segment)
    if (writer === undefined || !writers.living.has(writer)) return false
    return newest.has(segment)
  }

  function isPassed(positions: readonly Cursor[], segment: string, size: number): boolean {
    if (positions.length === 0) return options.unread === true
    return positions.every((cursor) => (cursor[segment] ?? 0) >= size)
  }
}
