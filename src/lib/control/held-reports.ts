import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { namesIn } from '../storage/index.ts'
import type { HeldReport } from './status-schema.ts'

/** What is there in place of a directory is none of ours; of one that we may not open others can tell. */
const absent = ['ENOENT', 'ENOTDIR', 'EACCES']

/** Studies that wait for a person: as fiona-request said last, and as they lie in the folders of fiona-anon. */
export async function heldReports(dataDir: string): Promise<HeldReport[]> {
  return [...(await ofRequests(dataDir)), ...(await ofReview(dataDir))]
}

async function ofRequests(dataDir: string): Promise<HeldReport[]> {
  const path = join(dataDir, 'state', 'fiona-request', 'status.json')
  const text = await readFile(path, 'utf8').catch(() => '')
  try {
    const { held } = JSON.parse(text) as { held?: unknown }
    return (Array.isArray(held) ? held : []).flatMap((one: unknown) => {
      const { state, studies, since } = (one ?? {}) as Record<string, unknown>
      if (state !== 'held' && state !== 'waiting') return []
      if (typeof studies !== 'number' || !Number.isSafeInteger(studies) || studies < 1) return []
      return [
        {
          by: 'fiona-request' as const,
          state,
          studies,
          ...(isTime(since) ? { since } : {}),
          how: 'fiona request waiting',
        },
      ]
    })
  } catch {
    // None yet, or damaged: fiona-request writes it anew.
    return []
  }
}

async function ofReview(dataDir: string): Promise<HeldReport[]> {
  let studies = 0
  let since = Infinity
  for (const project of await namesIn(dataDir, absent)) {
    const review = join(dataDir, project, 'review')
    for (const requestId of await namesIn(review, absent)) {
      // What is decided has no such file any more.
      const found = await stat(join(review, requestId, 'held.json')).catch(() => undefined)
      if (found === undefined) continue
      studies += 1
      since = Math.min(since, found.mtimeMs)
    }
  }
  if (studies === 0) return []
  return [
    {
      by: 'fiona-anon',
      state: 'held',
      studies,
      since: new Date(since).toISOString(),
      how: 'fiona-anon review',
    },
  ]
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value))
}
