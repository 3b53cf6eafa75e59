import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { countLines, journalPath, readJournal, type Cursor } from '../journal/index.ts'
import { isDamage } from './index-trouble.ts'
import { Projection } from './projection.ts'

/** What tells of studies, of trouble, and of deliveries: of these no more than their numbers, no research identity. */
export const indexedJournals = [
  ...(['received', 'organized', 'errors'] as const),
  ...(['held', 'outbox', 'sent'] as const),
]

const chunkBytes = 1 << 20
/** Records that come one by one share a sync of the disk, which others need more. */
const gatherMs = 250
/** Whoever asks how far behind the index is must not wait for hours of backlog to be read. */
const mostLagBytes = 16 << 20

export interface Following {
  readonly dataDir: string
  /** Wait for more at the end, until `signal`. */
  readonly follow: boolean
  readonly signal: AbortSignal
  readonly onSetAside: (why: string, aside: string) => void
}

/** Brings the index up to date with the journals, and keeps it so when it is to follow. */
export async function followJournals(path: string, following: Following): Promise<void> {
  let isDone = false
  while (!isDone && !following.signal.aborted) isDone = await followOnce(path, following)
}

/** @returns whether nothing is left to do; else it begins anew, with what the journals or the file are now */
async function followOnce(
  path: string,
  { dataDir, follow, signal, onSetAside }: Following,
): Promise<boolean> {
  using projection = await Projection.open(path, onSetAside)
  const round = new AbortController()
  const either = AbortSignal.any([signal, round.signal])
  const results = await Promise.allSettled(
    indexedJournals.map((journal) =>
      // One that has to begin anew takes the others along; they lose nothing.
      followOne(projection, { dataDir, journal, follow, signal: either }).finally(() => {
        if (follow) round.abort()
      }),
    ),
  )
  const failures = results.flatMap((one) =>
    one.status === 'rejected' ? [one.reason as unknown] : [],
  )
  const trouble = failures.find((reason) => !isDamage(reason))
  if (trouble !== undefined) throw trouble as Error
  if (failures.length > 0) {
    onSetAside('it is damaged', projection.setAside())
    return false
  }
  return !follow && results.every((one) => one.status === 'fulfilled' && one.value)
}

/** Everything that the journals hold now, into a projection of one's own. */
export async function readAll(
  projection: Projection,
  dataDir: string,
  signal: AbortSignal,
): Promise<void> {
  for (const journal of indexedJournals) {
    await followOne(projection, { dataDir, journal, follow: false, signal })
  }
}

/** @returns false when it is to begin anew: another process wrote, or the file was replaced */
async function followOne(
  projection: Projection,
  {
    dataDir,
    journal,
    follow,
    signal,
  }: {
    readonly dataDir: string
    readonly journal: string
    readonly follow: boolean
    readonly signal: AbortSignal
  },
): Promise<boolean> {
  const directory = journalPath(dataDir, journal)
  const cursor = projection.cursor(journal)
  const { gone, isShorter } = await compare(directory, cursor)
  if (isShorter) {
    projection.clear()
    return false
  }
  projection.forget(journal, gone)
  const starts = new Map(Object.entries(cursor))
  for await (const { lines, segment, end } of readJournal(directory, {
    cursor,
    follow,
    signal,
    chunkBytes,
  })) {
    if (projection.path !== '' && !projection.isInPlace()) return false
    const start = starts.get(segment) ?? 0
    if (!projection.takeLines({ journal, segment, start, end, lines })) return false
    starts.set(segment, end)
    if (follow && lines.length < chunkBytes / 2) {
      await delay(gatherMs, undefined, { signal }).catch(() => undefined)
    }
  }
  return true
}

/**
 * A segment that was pruned is gone. One that ends before the cursor lost what was read of it, with the
 * power, or is another journal's: then nothing of the index can be relied on.
 */
async function compare(
  directory: string,
  cursor: Cursor,
): Promise<{ readonly gone: readonly string[]; readonly isShorter: boolean }> {
  const gone: string[] = []
  let isShorter = false
  for (const [segment, offset] of Object.entries(cursor)) {
    try {
      const { size } = await stat(join(directory, segment))
      isShorter ||= size < offset
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      gone.push(segment)
    }
  }
  return { gone, isShorter }
}

export interface Lag {
  readonly lines: number
  /** There are more than were counted. */
  readonly more: boolean
}

/** Records in the journals that the projection does not know yet. */
export async function lagOf(projection: Projection, dataDir: string): Promise<Lag> {
  let [lines, bytes] = [0, 0]
  for (const journal of indexedJournals) {
    const directory = journalPath(dataDir, journal)
    for await (const chunk of readJournal(directory, { cursor: projection.cursor(journal) })) {
      lines += countLines(chunk.lines)
      bytes += chunk.lines.length
      if (bytes > mostLagBytes) return { lines, more: true }
    }
  }
  return { lines, more: false }
}
