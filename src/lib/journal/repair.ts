import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../storage/index.ts'
import { endOfLines } from './line-reader.ts'
import { journalDirectory } from './location.ts'
import { listSegments, writerOf } from './segment.ts'
import { writersOf } from './writers.ts'

export interface Repaired {
  readonly segment: string
  readonly bytes: number
  /**
   * `cut`: what stood behind the last whole line is in `file` now. `completed`: it was a whole record that
   * lacked only its newline. `alive`: its writer lives and may be in the middle of it; nothing was done.
   */
  readonly what: 'cut' | 'completed' | 'alive'
  readonly file?: string
}

/** A whole record without its newline is at most so long; more is cut without a look. */
const maxRecordBytes = 16 * 1024 * 1024

/**
 * Mends what a killed writer left behind its last whole line. Readers need none of this, they stop at the
 * last newline; it is for those who want every byte accounted for, and for `prune`. Nothing is thrown away.
 */
export async function repairJournal(place: string | URL): Promise<Repaired[]> {
  const directory = journalDirectory(place)
  const segments = await listSegments(directory)
  const { living } = await writersOf(directory)
  const repaired: Repaired[] = []
  for (const segment of segments) {
    const writer = writerOf(segment)
    const isNewest = segments.findLast((other) => writerOf(other) === writer) === segment
    const isAlive = writer !== undefined && isNewest && living.has(writer)
    const done = await repairSegment(directory, segment, isAlive)
    if (done !== undefined) repaired.push(done)
  }
  return repaired
}

async function repairSegment(
  directory: string,
  segment: string,
  isAlive: boolean,
): Promise<Repaired | undefined> {
  const path = join(directory, segment)
  const end = await endOfLines(path)
  const { size } = await stat(path)
  const bytes = size - end
  if (bytes <= 0) return undefined
  if (isAlive) return { segment, bytes, what: 'alive' }
  const handle = await open(path, 'r+')
  try {
    const rest = Buffer.alloc(bytes)
    await handle.read(rest, 0, bytes, end)
    if (bytes <= maxRecordBytes && isRecord(rest)) {
      await handle.write('\n', size)
      await handle.sync()
      return { segment, bytes, what: 'completed' }
    }
    // Not a name that ends in .ndjson: it must not be read as a segment.
    const file = join(directory, `${segment.replace(/\.ndjson$/, '')}.torn-${end}`)
    await writeFileAtomic(file, rest)
    await handle.truncate(end)
    await handle.sync()
    return { segment, bytes, what: 'cut', file }
  } finally {
    await handle.close()
  }
}

function isRecord(bytes: Buffer): boolean {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return typeof value === 'object' && value !== null
  } catch {
    return false
  }
}
