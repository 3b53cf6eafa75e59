import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  makeDirectories,
  removeDeadTemporaries,
  writeFileAtomic,
  livenessOf,
  ownIdentity,
  parseIdentity,
  type Liveness,
  namesIn,
} from '../storage/index.ts'
import { listSegments, restMs, writerOf } from './segment.ts'

/** A writer that cannot be looked at is dead when its segments rested longer than any writer lets them. */
const certainlyRestedMs = 2 * restMs

export interface Writers {
  /** As the names of their segments tell, in the order of each one's first. */
  readonly all: readonly string[]
  readonly living: ReadonlySet<string>
}

/**
 * `<journal>/writers/<writer>.json` says which process writes the segments of that name. It is no lock,
 * nobody waits for it: those who prune and repair ask it whether a segment may still grow.
 * @returns its path; the writer removes it when it closes
 */
export async function claimSegments(directory: string, writer: string): Promise<string> {
  await makeDirectories(join(directory, 'writers'), { durable: false })
  await removeDeadTemporaries(join(directory, 'writers'))
  const path = claimPath(directory, writer)
  await writeFileAtomic(path, `${JSON.stringify({ v: 1, ...ownIdentity() })}\n`, {
    durable: false,
  })
  return path
}

/** Everyone who has segments here, and who of them may still write. */
export async function writersOf(directory: string): Promise<Writers> {
  const segments = await listSegments(directory)
  const newest = new Map<string, string>()
  for (const segment of segments) {
    const writer = writerOf(segment)
    if (writer !== undefined) newest.set(writer, segment)
  }
  const living = new Set<string>()
  for (const [writer, segment] of newest) {
    if (await isAlive(directory, writer, segment)) living.add(writer)
  }
  return { all: [...newest.keys()], living }
}

/** Removes the claims of dead writers; they are small, but a journal lives for years. */
export async function forgetDeadWriters(directory: string, writers: Writers): Promise<void> {
  for (const file of await claims(directory)) {
    const writer = file.replace(/\.json$/, '')
    if (writers.living.has(writer)) continue
    // One that has just claimed its name has no segment yet.
    const isOver =
      writers.all.includes(writer) || (await livenessOfClaim(directory, writer)) === 'dead'
    if (isOver) await rm(join(directory, 'writers', file), { force: true })
  }
}

async function isAlive(directory: string, writer: string, newest: string): Promise<boolean> {
  const liveness = await livenessOfClaim(directory, writer)
  if (liveness !== 'unknown') return liveness === 'alive'
  const { mtimeMs } = await stat(join(directory, newest)).catch(() => ({ mtimeMs: 0 }))
  return Date.now() - mtimeMs < certainlyRestedMs
}

/** A writer without a claim has closed. A claim that is none may be any process's. */
async function livenessOfClaim(directory: string, writer: string): Promise<Liveness> {
  let text: string
  try {
    text = await readFile(claimPath(directory, writer), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'dead'
    throw error
  }
  try {
    const identity = parseIdentity(JSON.parse(text))
    return identity === undefined ? 'unknown' : livenessOf(identity)
  } catch {
    return 'unknown'
  }
}

async function claims(directory: string): Promise<string[]> {
  return (await namesIn(join(directory, 'writers'))).filter((name) => name.endsWith('.json'))
}

function claimPath(directory: string, writer: string): string {
  return join(directory, 'writers', `${writer}.json`)
}
