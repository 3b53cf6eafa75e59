import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { ExitCode, FionaError } from '../error/index.ts'
import {
  leasePath,
  Lease,
  loadCursor,
  MovingCursor,
  readJournal,
  saveCursor,
  type JournalChunk,
  type SavedCursor,
} from '../journal/index.ts'
import { firstLines } from './chunk-lines.ts'
import type { Progress } from './commits.ts'
import { endOrphans, leaseVariable } from './orphans.ts'
import { Outlets } from './outlets.ts'
import { checkPipeline, Pipeline } from './pipeline.ts'
import type { StageLimits } from './limits.ts'
import { PipelineRun } from './pipeline-run.ts'
import type { RunContext, RunEnd } from './run-plan.ts'
import { errorsGoTo, stageError } from './sort-output.ts'
import { StageHealth } from './stage-health.ts'
import { Suspicion } from './suspicion.ts'
import { Workers } from './workers.ts'

export interface StageOptions {
  /** Names the cursor, the lease, and the state of the pipeline's filters. */
  readonly name: string
  /** Directories of the journals. */
  readonly from: string
  /** The name of the journal that is read, when it has one: error records tell it. */
  readonly fromName?: string | undefined
  readonly to: string
  readonly errors: string
  readonly held: string
  /** The shell pipeline. */
  readonly pipeline: string
  /** So many copies of it run side by side, each with the studies that are its own. */
  readonly workers: number
  /** Stop at the end of the journal in place of waiting for more. */
  readonly once: boolean
  readonly environment: NodeJS.ProcessEnv
  readonly log: Logger
  readonly signal: AbortSignal
  /** How long the pipeline may drain after `signal`. */
  readonly drainMs: number
  readonly limits: StageLimits
  /** How long to wait for another process that runs this stage. */
  readonly waitMs: number
  /** Called when the stage is this process's alone and its work begins. */
  readonly begun?: () => void
}

const firstDelayMs = 100
const longestDelayMs = 30_000
const wellAfterMs = 10_000
/** With --once, a pipeline that fails so often without a record to blame is given up. */
const failuresToGiveUp = 5

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
    await new Stage(options, lease, outlets, progress, health)
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

class Stage {
  #options: StageOptions
  #context: RunContext
  #progress: Progress
  #outlets: Outlets
  #health: StageHealth
  #suspicion = new Suspicion()
  #hasWarned = false
  /** The pipeline flooded, and has not committed anything since. */
  #isDistrusted = false

  constructor(
    options: StageOptions,
    lease: Lease,
    outlets: Outlets,
    progress: Progress,
    health: StageHealth,
  ) {
    const { name, from, to, signal, log, drainMs, limits } = options
    this.#options = options
    this.#progress = progress
    this.#outlets = outlets
    this.#health = health
    const diverted = new Set<'error' | 'held'>()
    // A stage that reads the errors would feed itself with those that come out again.
    if (from !== options.errors && to !== options.errors) diverted.add('error')
    if (from !== options.held && to !== options.held) diverted.add('held')
    this.#context = {
      from,
      stage: name,
      progress,
      outlets,
      lease,
      workers: options.workers,
      sort: { stage: name, journal: options.fromName, diverted },
      start: () => startWorkers(options, lease),
      log,
      signal,
      drainMs,
      limits,
      onCommitted: (lines) => {
        this.#suspicion.committed(lines)
        if (this.#suspicion.limit === undefined) this.#isDistrusted = false
        this.#health.isWell()
      },
    }
  }

  async runAll(): Promise<void> {
    const { signal, once, log, name } = this.#options
    while (!signal.aborted) {
      const end = await this.#run(once, this.#suspicion.limit)
      if (end.kind === 'drained') {
        this.#tellAboutMarks()
        if (once && end.reachedEnd) {
          this.#health.isWell()
          return
        }
        continue
      }
      if (signal.aborted) {
        log.warn(
          { stage: name, how: end.ending.how, inFlight: end.inFlight },
          'the pipeline did not drain; what was in flight will be done again',
        )
        return
      }
      await this.#failed(end)
    }
  }

  async #run(once: boolean, limit: number | undefined): Promise<RunEnd> {
    const isDistrusted = this.#isDistrusted
    const run = new PipelineRun(this.#context, { once, limit, isDistrusted })
    // Where nothing comes nothing is committed: one that lives on with nothing in hand is well again.
    const look = setInterval(() => {
      if (run.inFlight === 0) this.#health.isWell()
    }, wellAfterMs)
    try {
      return await run.run()
    } finally {
      clearInterval(look)
    }
  }

  async #failed(end: Extract<RunEnd, { kind: 'failed' }>): Promise<void> {
    const { ending, inFlight, runaway } = end
    const { name, log, once, signal } = this.#options
    this.#health.failed(ending)
    if (runaway === 'flood') this.#isDistrusted = true
    const verdict = this.#suspicion.failed(ending.maybeRecord ? inFlight : 0, runaway !== undefined)
    if (verdict !== 'retry' && !(await this.#worksWithoutRecords())) {
      this.#suspicion.acquit()
    } else if (verdict === 'condemn') {
      await this.#moveFirstAway(ending.how)
      return
    }
    const { failures, limit } = this.#suspicion
    if (once && limit === undefined && failures >= failuresToGiveUp) {
      throw new FionaError(
        'E_STAGE_PIPELINE',
        `the pipeline fails again and again: ${ending.how}`,
        {
          hint: 'its own words are above; the cursor stands before what it could not do',
          exitCode: ExitCode.unavailable,
          retryable: true,
        },
      )
    }
    const delayMs =
      limit === undefined
        ? Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(20, failures - 1))
        : firstDelayMs
    log.warn(
      { stage: name, how: ending.how, inFlight, failures, restartInMs: delayMs },
      'the pipeline failed; it will be started again',
    )
    await delay(delayMs, undefined, { signal }).catch(() => undefined)
  }

  /** A pipeline that fails without any input has no record to blame. */
  async #worksWithoutRecords(): Promise<boolean> {
    const end = await this.#run(true, 0)
    return end.kind === 'drained'
  }

  /** The record at the cursor goes to the errors, and the cursor behind it. */
  async #moveFirstAway(how: string): Promise<void> {
    const { from, name, log } = this.#options
    const { cursor } = this.#progress
    const chunk = await firstLine(from, this.#progress)
    if (chunk === undefined) return
    const why = new FionaError('E_STAGE_POISON', `this record ends the pipeline: ${how}`, {
      hint: 'mend the cause, then hand the record in again',
    })
    const to = errorsGoTo(this.#context.sort.diverted)
    this.#outlets.add(to, stageError(this.#context.sort, why, contentOf(chunk.lines)))
    this.#outlets.seal()
    await this.#outlets.append()
    this.#context.lease.assertHeld()
    cursor.move(new Map([[chunk.segment, chunk.end]]))
    await saveCursor(from, name, {
      cursor: cursor.whole(),
      seq: this.#progress.seq,
      workers: this.#options.workers,
    })
    this.#suspicion.committed(1)
    this.#health.isWell()
    log.error({ stage: name, how }, 'a record that ends the pipeline was moved to the errors')
  }

  #tellAboutMarks(): void {
    if (this.#progress.passesMarks !== false || this.#hasWarned || this.#options.once) return
    this.#hasWarned = true
    this.#options.log.warn(
      { stage: this.#options.name },
      'the pipeline does not pass marks on at once: it is ended and started again for each batch of records',
    )
  }
}

/** Several have a memory each, under a name that tells how many there are: a study belongs to one of them. */
function startWorkers(
  { pipeline, workers, name, environment }: StageOptions,
  lease: Lease,
): Workers {
  const started: Pipeline[] = []
  try {
    for (let worker = 1; worker <= workers; worker++) {
      const own =
        workers === 1
          ? {}
          : { FIONA_STAGE: `${name}.${worker}-of-${workers}`, FIONA_STAGE_WORKER: String(worker) }
      started.push(new Pipeline(pipeline, { ...environment, ...own, [leaseVariable]: lease.token }))
    }
  } catch (error) {
    for (const one of started) one.kill()
    throw error
  }
  return new Workers(started)
}

async function firstLine(from: string, { cursor }: Progress): Promise<JournalChunk | undefined> {
  for await (const chunk of readJournal(from, {
    cursor: cursor.whole(),
    chunkBytes: 64 * 1024,
  })) {
    return firstLines(chunk, 1)
  }
  return undefined
}

/** The record as it was, or its text when it is none. */
function contentOf(line: Buffer): unknown {
  const text = line.toString().trimEnd()
  try {
    return JSON.parse(text)
  } catch {
    return text.slice(0, 2000)
  }
}
