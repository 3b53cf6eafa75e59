import { ExitCode, FionaError } from '../error/index.ts'
import {
  leasePath,
  Lease,
  loadCursor,
  MovingCursor,
  saveCursor,
  type SavedCursor,
} from '../journal/index.ts'
import { endOrphans } from './orphans.ts'
import { Outlets } from './outlets.ts'
import { checkPipeline } from './pipeline.ts'
import { StageHealth } from './stage-health.ts'
import type { StageOptions } from './stage-options.ts'
import { StageRuns } from './stage-runs.ts'

/**
 * Runs a pipeline between two journals until `signal`, or to the end of the journal. What came out is
 * durable before the cursor moves: killed at any moment, it goes on where it was, and repeats at most what
 * was in flight.
 * @returns the exit code: 0, or 1 with `once` when error records were written
 * @throws FionaError E_LEASE_HELD, E_STAGE_SYNTAX, E_STAGE_PIPELINE (with `once`), E_STAGE_LOOP
 */
export async function runStage(options: StageOptions): Promise<number> {
  const { from, to, name, log } = options
  if (from === to) {
    throw new FionaError('E_STAGE_LOOP', 'the stage would read what it writes', {
      hint: '--from and --to must be different journals',
      exitCode: ExitCode.usage,
    })
  }
  checkPipeline(options.pipeline)
  const lease = await acquireLease(options)
  if (lease === undefined) return ExitCode.ok
  const outlets = new Outlets({ to, errors: options.errors, held: options.held }, name)
  try {
    const orphans = await endOrphans(lease.predecessors)
    if (orphans > 0) log.warn({ stage: name, processes: orphans }, 'ended what a killed run left')
    await lease.forgetPredecessors()
    options.begun?.()
    const saved = await loadCursor(from, name)
    await register(options, saved)
    const cursor = new MovingCursor(saved?.cursor)
    await cursor.forgetGone(from)
    const health = await StageHealth.load(from, name, log)
    const progress = {
      cursor,
      tidiedAt: performance.now(),
      seq: saved?.seq ?? 0,
      passesMarks: undefined,
    }
    await new StageRuns(options, lease, outlets, progress, health)
      .runAll()
      .finally(() => health.settled())
    return options.once && outlets.errors > 0 ? ExitCode.someErrors : ExitCode.ok
  } finally {
    try {
      await outlets.close()
    } finally {
      await lease.release()
    }
  }
}

/**
 * A stage that is new has a cursor from its first moment on: without one nobody knows of this reader, and
 * `prune` would take what it has still to read. How many workers it has stands there, too.
 */
async function register(
  { from, name, workers, log }: StageOptions,
  saved: SavedCursor | undefined,
): Promise<void> {
  const before = saved?.workers ?? 1
  if (saved !== undefined && before === workers) return
  if (saved !== undefined) {
    log.warn(
      { stage: name, before, workers },
      'the number of workers has changed: what filters remember (such as open studies) stays with the former number; run the stage with that until they hold nothing',
    )
  }
  await saveCursor(from, name, { cursor: saved?.cursor ?? {}, seq: saved?.seq ?? 0, workers })
}

/** @returns undefined when it was told to stop while it waited: there is nothing to be done then */
async function acquireLease(options: StageOptions): Promise<Lease | undefined> {
  const { from, name, log, signal } = options
  try {
    return await Lease.acquire(leasePath(from, name), {
      hint: 'after a restart its forerunner may still be ending: then try again. Else stop that one first, or give this one another --name',
      what: `stage ${name}`,
      waitMs: options.waitMs,
      signal,
      onWait: (holder) => {
        log.info(
          { stage: name, holder },
          'another process runs this stage; waiting for its end, which is normal after a restart',
        )
      },
    })
  } catch (error) {
    if (signal.aborted && error instanceof FionaError && error.code === 'E_LEASE_HELD') return
    throw error
  }
}
