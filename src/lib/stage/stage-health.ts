import type { Logger } from 'pino'
import { clearFailing, type FailingStage, loadFailing, saveFailing } from '../chain/index.ts'
import type { Ending } from './pipeline.ts'

/**
 * Tells whoever asks how this stage is: that its pipeline fails, from the first failure on until something is
 * committed, or nothing is left to do. A former process of the stage may have begun to tell it.
 */
export class StageHealth {
  readonly #directory: string
  readonly #stage: string
  readonly #log: Logger
  #failing: FailingStage | undefined
  /** One change of the file after the other. */
  #last: Promise<void> = Promise.resolve()

  private constructor(
    directory: string,
    stage: string,
    log: Logger,
    failing: FailingStage | undefined,
  ) {
    this.#directory = directory
    this.#stage = stage
    this.#log = log
    this.#failing = failing
  }

  static async load(directory: string, stage: string, log: Logger): Promise<StageHealth> {
    const failing = await loadFailing(directory, stage).catch(() => undefined)
    return new StageHealth(directory, stage, log, failing)
  }

  failed({ how, hint }: Pick<Ending, 'how' | 'hint'>): void {
    const failing = {
      since: this.#failing?.since ?? new Date().toISOString(),
      failures: (this.#failing?.failures ?? 0) + 1,
      lastError: how,
      ...(hint === undefined ? {} : { hint }),
    }
    this.#failing = failing
    this.#change(() => saveFailing(this.#directory, this.#stage, failing))
  }

  isWell(): void {
    if (this.#failing === undefined) return
    this.#failing = undefined
    this.#change(() => clearFailing(this.#directory, this.#stage))
  }

  /** What was told stands in the file. */
  async settled(): Promise<void> {
    await this.#last
  }

  #change(change: () => Promise<void>): void {
    this.#last = this.#last.then(change).catch((error: unknown) => {
      // A full disk is no reason to fail once more.
      const { message } = error as Error
      this.#log.warn({ stage: this.#stage, err: message }, 'cannot keep how this stage is')
    })
  }
}
