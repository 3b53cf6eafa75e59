import { setTimeout as delay } from 'node:timers/promises'
import { ExitCode, FionaError } from '../error/index.ts'
import type { Lease } from '../journal/index.ts'
import type { Progress } from './commits.ts'
import type { Outlets } from './outlets.ts'
import { PipelineRun } from './pipeline-run.ts'
import { moveFirstAway } from './poison.ts'
import type { RunContext, RunEnd } from './run-plan.ts'
import type { StageHealth } from './stage-health.ts'
import type { StageOptions } from './stage-options.ts'
import { startWorkers } from './start-workers.ts'
import { Suspicion } from './suspicion.ts'

const firstDelayMs = 100
const longestDelayMs = 30_000
const wellAfterMs = 10_000
/** With --once, a pipeline that fails so often without a record to blame is given up. */
const failuresToGiveUp = 5

/**
 * The runs of a pipeline, one after the other: each time it fails it is started again, later and later, until it works or a
 * record is found to blame.
 */
export class StageRuns {
  #options: StageOptions
  #context: RunContext
  #progress: Progress
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
      await this.#condemnFirst(ending.how)
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

  async #condemnFirst(how: string): Promise<void> {
    if (!(await moveFirstAway(this.#context, how))) return
    this.#suspicion.committed(1)
    this.#health.isWell()
    const { name, log } = this.#options
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
