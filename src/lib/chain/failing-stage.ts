import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../storage/index.ts'

/** That a stage runs and its pipeline dies again and again is known to the stage alone: it tells so in a file. */
export interface FailingStage {
  /** ISO 8601: of the first failure after which nothing was committed any more. */
  readonly since: string
  /** How often it has failed since. */
  readonly failures: number
  /** How it ended last, and what it said at that. */
  readonly lastError: string
  /** What it said is to be done. */
  readonly hint?: string
}

/** Beside the cursor, which says how far it has come: `<journal>/cursors/<stage>.failing`. */
function pathOf(directory: string, stage: string): string {
  return join(directory, 'cursors', `${stage}.failing`)
}

/** Not made durable: after a power loss the pipeline is started anew, and fails or does not. */
export async function saveFailing(
  directory: string,
  stage: string,
  failing: FailingStage,
): Promise<void> {
  const text = `${JSON.stringify({ v: 1, ...failing })}\n`
  await writeFileAtomic(pathOf(directory, stage), text, { durable: false })
}

export async function clearFailing(directory: string, stage: string): Promise<void> {
  await rm(pathOf(directory, stage), { force: true })
}

/** @returns undefined for a stage that does not fail, as far as anybody can say */
export async function loadFailing(
  directory: string,
  stage: string,
): Promise<FailingStage | undefined> {
  try {
    const text = await readFile(pathOf(directory, stage), 'utf8')
    const { since, failures, lastError, hint } = JSON.parse(text) as Record<string, unknown>
    if (typeof since !== 'string' || typeof failures !== 'number') return undefined
    if (typeof lastError !== 'string') return undefined
    return { since, failures, lastError, ...(typeof hint === 'string' ? { hint } : {}) }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
