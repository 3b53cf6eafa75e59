import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileDigest, writeFileAtomic } from '../storage/index.ts'
import { endOfLines, LineReader } from './line-reader.ts'
import { journalDirectory } from './location.ts'
import { readSeal, sealSegment } from './seal.ts'
import { listSegments, newestSegments, writerOf } from './segment.ts'
import { writersOf } from './writers.ts'

export interface Repaired {
  readonly segment: string
  readonly bytes: number
  /**
   * `cut`: what stood behind the last whole line is in `file` now. `completed`: it was a whole record that
   * lacked only its newline. `blanked`: a line that was no record is in `file` now, and empty lines are in
   * its place. `changed`: the segment is not what its writer had sealed. `alive`: its writer lives and may
   * be in the middle of a line; nothing was done.
   */
  readonly what: 'cut' | 'completed' | 'blanked' | 'changed' | 'alive'
  readonly file?: string
}

export interface RepairOptions {
  /** Change nothing, only say what would be done. */
  readonly dryRun?: boolean | undefined
}

/** A whole record without its newline is at most so long; more is cut without a look. */
const maxRecordBytes = 16 * 1024 * 1024

/**
 * Mends what a killed writer or a power loss left: half a line at the end, and lines in the middle that are
 * no records (pages that had not reached the disk). No offset changes, so every cursor stays right, and
 * nothing is thrown away. Segments that were closed are held against their seals; those of dead writers
 * get one. A file that a person put there is only mended at its end: it may be written on.
 */
export async function repairJournal(
  place: string | URL,
  options: RepairOptions = {},
): Promise<Repaired[]> {
  const directory = journalDirectory(place)
  const segments = await listSegments(directory)
  const newest = newestSegments(segments)
  const { living } = await writersOf(directory)
  const repaired: Repaired[] = []
  for (const segment of segments) {
    const writer = writerOf(segment)
    const isAlive = writer !== undefined && newest.has(segment) && living.has(writer)
    const isDryRun = options.dryRun === true
    const seal = isAlive ? undefined : await readSeal(directory, segment)
    if (seal !== undefined) {
      const path = join(directory, segment)
      if ((await fileDigest(path)) === seal) continue
      repaired.push({ segment, bytes: (await stat(path)).size, what: 'changed' })
    }
    const end = await repairEnd(directory, segment, isAlive, isDryRun)
    if (end !== undefined) repaired.push(end)
    if (isAlive || writer === undefined) continue
    repaired.push(...(await repairMiddle(directory, segment, isDryRun)))
    // A seal that was broken stays as it is: it tells that something is lost.
    if (seal !== undefined || isDryRun) continue
    await sealSegment(directory, segment, await fileDigest(join(directory, segment)))
  }
  return repaired
}

async function repairEnd(
  directory: string,
  segment: string,
  isAlive: boolean,
  isDryRun: boolean,
): Promise<Repaired | undefined> {
  const path = join(directory, segment)
  const end = endOfLines(path)
  const { size } = await stat(path)
  const bytes = size - end
  if (bytes <= 0) return undefined
  if (isAlive) return { segment, bytes, what: 'alive' }
  const handle = await open(path, isDryRun ? 'r' : 'r+')
  try {
    const rest = Buffer.alloc(bytes)
    await handle.read(rest, 0, bytes, end)
    if (bytes <= maxRecordBytes && isRecord(rest)) {
      if (!isDryRun) {
        await handle.write('\n', size)
        await handle.sync()
      }
      return { segment, bytes, what: 'completed' }
    }
    // Not a name that ends in .ndjson: it must not be read as a segment.
    const file = join(directory, `${segment.replace(/\.ndjson$/, '')}.torn-${end}`)
    if (!isDryRun) {
      await writeFileAtomic(file, rest)
      await handle.truncate(end)
      await handle.sync()
    }
    return { segment, bytes, what: 'cut', file }
  } finally {
    await handle.close()
  }
}

async function repairMiddle(
  directory: string,
  segment: string,
  isDryRun: boolean,
): Promise<Repaired[]> {
  const path = join(directory, segment)
  const repaired: Repaired[] = []
  for await (const { lines, end } of new LineReader(1024 * 1024).read(path, 0)) {
    const begin = end - lines.length
    for (let start = 0; start < lines.length;) {
      const lineEnd = lines.indexOf(0x0a, start)
      const line = lines.subarray(start, lineEnd)
      const at = begin + start
      start = lineEnd + 1
      if (line.length === 0 || isRecord(line)) continue
      const file = join(directory, `${segment.replace(/\.ndjson$/, '')}.damaged-${at}`)
      if (!isDryRun) await blank(path, line, at, file)
      repaired.push({ segment, bytes: line.length, what: 'blanked', file })
    }
  }
  return repaired
}

/** Empty lines in its place: every reader passes over them, and all offsets stay. */
async function blank(path: string, line: Buffer, at: number, file: string): Promise<void> {
  await writeFileAtomic(file, line)
  const handle = await open(path, 'r+')
  try {
    await handle.write(Buffer.alloc(line.length, '\n'), 0, line.length, at)
    await handle.sync()
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
