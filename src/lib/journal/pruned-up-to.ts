import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../storage/index.ts'

/**
 * `<journal>/pruned.json`: what was written to the journal up to then may have been pruned. Else nobody could tell later a
 * record that was pruned, when all had read it, from one that was lost or never written.
 */
function pathOf(directory: string): string {
  return join(directory, 'pruned.json')
}

/** Milliseconds since 1970; undefined when nothing was pruned, as far as anybody knows. */
export async function prunedUpTo(directory: string): Promise<number | undefined> {
  try {
    const { upTo } = JSON.parse(await readFile(pathOf(directory), 'utf8')) as { upTo?: unknown }
    const time = typeof upTo === 'string' ? Date.parse(upTo) : Number.NaN
    return Number.isNaN(time) ? undefined : time
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    if (isMissing || error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Durable when it resolves; to be called before anything is removed. */
export async function notePruned(directory: string, upToMs: number): Promise<void> {
  if (upToMs <= ((await prunedUpTo(directory)) ?? Number.NEGATIVE_INFINITY)) return
  const upTo = new Date(upToMs).toISOString()
  await writeFileAtomic(pathOf(directory), `${JSON.stringify({ v: 1, upTo })}\n`)
}
