import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'
import { nowIso } from '../record/index.ts'
import { makeDirectories, writeFileAtomic, namesIn, readIfThere } from '../storage/index.ts'
import { checkedName } from './location.ts'

/** How far a reader has come: for each segment, the offset behind the last line it has dealt with. */
export type Cursor = Readonly<Record<string, number>>

export interface SavedCursor {
  readonly cursor: Cursor
  /** The mark that stands at this position; 0 when the reader counts none. */
  readonly seq: number
  /** A stage's: its number of workers, when it is not one. */
  readonly workers?: number | undefined
}

/** `<journal>/cursors/<reader>.json` */
export function cursorPath(directory: string, reader: string): string {
  return join(directory, 'cursors', `${checkedName('reader', reader)}.json`)
}

/** Beside the cursor: of those who read as `reader`, one at a time may move it. */
export function leasePath(directory: string, reader: string): string {
  return join(directory, 'cursors', `${checkedName('reader', reader)}.lease`)
}

/**
 * @returns undefined for a reader that has saved none
 * @throws FionaError E_CURSOR when the file is not a cursor
 */
export async function loadCursor(
  directory: string,
  reader: string,
): Promise<SavedCursor | undefined> {
  const path = cursorPath(directory, reader)
  const text = await readIfThere(path)
  if (text === undefined) return undefined
  const saved = parseCursor(text)
  if (saved !== undefined) return saved
  throw new FionaError('E_CURSOR', `${path} is not a cursor`, {
    hint: 'mend it, or remove it to read the journal from its start again (what is done twice is harmless)',
    exitCode: ExitCode.badInput,
  })
}

/**
 * A reader that dies in between finds the old one or the new one. A cursor that is new is durable when this resolves; after
 * a power loss one that was only moved may be found where it stood a moment before: what is behind it is done twice.
 */
export async function saveCursor(
  directory: string,
  reader: string,
  { cursor, seq, workers = 1 }: SavedCursor,
): Promise<void> {
  const path = cursorPath(directory, reader)
  const saved = { v: 1, time: nowIso(), seq, ...(workers > 1 ? { workers } : {}), segments: cursor }
  const text = `${JSON.stringify(saved)}\n`
  const durable = existsSync(path) ? 'content' : true
  try {
    await writeFileAtomic(path, text, { durable })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    await makeDirectories(join(directory, 'cursors'))
    await writeFileAtomic(path, text)
  }
}

/** The readers that have saved a cursor. */
export async function listReaders(directory: string): Promise<string[]> {
  const files = await namesIn(join(directory, 'cursors'))
  return files.flatMap((file) => /^([^.].*)\.json$/.exec(file)?.[1] ?? []).sort()
}

function parseCursor(text: string): SavedCursor | undefined {
  try {
    const { seq, segments, workers } = JSON.parse(text) as Record<string, unknown>
    if (typeof segments !== 'object' || segments === null || !isCount(seq)) return undefined
    if (!Object.values(segments).every(isCount)) return undefined
    if (workers !== undefined && !isCount(workers)) return undefined
    return { cursor: segments as Cursor, seq, ...(workers === undefined ? {} : { workers }) }
  } catch {
    return undefined
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
