import { randomBytes } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { faultPoint } from '../fault/index.ts'
import { namesIn, syncDirectory } from '../storage/index.ts'

/** Any NDJSON file in the directory is a segment, also one that a person put there to have it replayed. */
export function isSegment(name: string): boolean {
  return name.endsWith('.ndjson') && !name.startsWith('.')
}

/** In the order of their names, which is the order of their making. A missing journal has none. */
export async function listSegments(directory: string): Promise<string[]> {
  return (await namesIn(directory)).filter(isSegment)
}

/**
 * A segment that rested this long is left behind: the next line begins a new one. So whoever prunes or
 * repairs knows that an old file is not written any more, even where its writer cannot be looked at.
 */
export const restMs = 3_600_000

const stampPattern = /^(\d{8}T\d{9}Z)-/

/** The writer a segment's name tells (`<writer>-<random>`); a file that a person put there has none. */
export function writerOf(segment: string): string | undefined {
  return /^\d{8}T\d{9}Z-(.+-[0-9a-f]{8})-\d{6,}\.ndjson$/.exec(segment)?.[1]
}

/** Of each writer the last segment, the only one that it may still write; `segments` in the order of names. */
export function newestSegments(segments: readonly string[]): ReadonlySet<string> {
  const newest = new Map<string, string>()
  for (const segment of segments) {
    const writer = writerOf(segment)
    if (writer !== undefined) newest.set(writer, segment)
  }
  return new Set(newest.values())
}

/**
 * Makes the names of one writer's segments: `20261124T130113123Z-<writer>-<random>-000001.ndjson`.
 * Time comes first so that the order of names is the order of making. It never goes back, even when the
 * clock does: a new name is later than every name already there.
 */
export class SegmentNames {
  readonly writer: string
  #sequence = 0
  #latest = 0

  constructor(writer: string) {
    this.writer = `${writer}-${randomBytes(4).toString('hex')}`
  }

  next(existing: readonly string[], now: number): string {
    const last = existing.findLast((name) => stampPattern.test(name))
    const lastTime = last === undefined ? 0 : timeOf(last)
    this.#latest = Math.max(now, this.#latest, lastTime + 1)
    this.#sequence++
    const stamp = new Date(this.#latest).toISOString().replaceAll(/[-:.]/g, '')
    return `${stamp}-${this.writer}-${String(this.#sequence).padStart(6, '0')}.ndjson`
  }
}

function timeOf(name: string): number {
  const stamp = stampPattern.exec(name)?.[1] ?? ''
  const iso = stamp.replace(
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z$/,
    '$1-$2-$3T$4:$5:$6.$7Z',
  )
  const time = Date.parse(iso)
  return Number.isNaN(time) ? 0 : time
}

/** A new, empty segment whose name is on stable storage. */
export async function createSegment(
  directory: string,
  names: SegmentNames,
): Promise<{ path: string; handle: FileHandle }> {
  const path = join(directory, names.next(await listSegments(directory), Date.now()))
  const handle = await open(path, 'ax', 0o640)
  faultPoint('journal.segment-made')
  try {
    await syncDirectory(directory)
  } catch (error) {
    await handle.close()
    throw error
  }
  return { path, handle }
}
