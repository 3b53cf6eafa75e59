import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { Commits } from './commits.ts'
import { FloodGauge, distrusted } from './flood-gauge.ts'
import type { StageLimits } from './limits.ts'
import type { Outlets } from './outlets.ts'
import type { Pulse } from './pulse.ts'
import { ReadingRest } from './reading-rest.ts'
import { OutputSorter, type Piece, type SortRules } from './sort-output.ts'

/** So much output may wait for the mark behind it; then it is appended without. */
const maxHeldBytes = 8 * 1024 * 1024

export interface CollectorOptions {
  /** One for each worker. */
  readonly outputs: readonly Readable[]
  readonly sort: SortRules
  readonly limits: StageLimits
  /** It flooded before: nothing it prints is appended before there is a mark behind it. */
  readonly isDistrusted: boolean
  readonly outlets: Outlets
  readonly commits: Commits
  readonly pulse: Pulse
  /** Lines were put into the outlets. */
  readonly said: () => void
  /** A mark came out of a worker. @returns whether it vouches for something */
  readonly passed: (worker: number, seq: number) => boolean
  /** Called with why, in words, before reading ends. */
  readonly flooded: (why: string) => void
}

/** Reads what a pipeline prints, no faster than the journals take it. */
export class OutputCollector {
  readonly #options: CollectorOptions
  readonly #sorters: readonly OutputSorter[]
  readonly #flood: FloodGauge
  #isStopped = false

  constructor(options: CollectorOptions) {
    const { outputs, sort, limits, isDistrusted } = options
    this.#options = options
    this.#sorters = outputs.map(() => new OutputSorter(sort))
    this.#flood = new FloodGauge(isDistrusted ? distrusted(limits) : limits)
  }

  /** One promise for each output: it resolves at its end. */
  collect(): readonly Promise<void>[] {
    return this.#options.outputs.map((output, worker) => this.#collect(output, worker))
  }

  /** The journals take no more: what comes is not read. */
  stop(): void {
    this.#isStopped = true
  }

  /** The last that came of one of them was not the end of a line. */
  get isWithinLine(): boolean {
    return this.#sorters.some(({ isWithinLine }) => isWithinLine)
  }

  /** The pipeline has ended well: what stands behind its last newline is whole. */
  end(): void {
    this.#sorters.forEach((sorter, worker) => {
      for (const piece of sorter.end()) this.#take(piece, worker)
    })
  }

  async #collect(output: Readable, worker: number): Promise<void> {
    const { outlets, commits, pulse, isDistrusted, flooded } = this.#options
    const sorter = this.#sorters[worker]
    const rest = new ReadingRest()
    for await (const chunk of output) {
      pulse.printed()
      this.#flood.printed((chunk as Buffer).length)
      for (const piece of sorter?.push(chunk as Buffer) ?? []) this.#take(piece, worker)
      const flood = this.#flood.excess
      if (flood !== undefined) {
        flooded(`it flooded and was ended: ${flood}`)
        return
      }
      const isTooMuch = outlets.bytes > maxHeldBytes && !isDistrusted
      if (isTooMuch) outlets.seal()
      commits.soon()
      if (isTooMuch) await pulse.unheard(commits.untilIdle())
      if (this.#isStopped) return
      const restMs = rest.after((chunk as Buffer).length, performance.now())
      if (restMs > 0) await delay(restMs)
    }
  }

  #take(piece: Piece, worker: number): void {
    const { outlets, said, passed } = this.#options
    if ('lines' in piece) {
      outlets.add(piece.to, piece.lines)
      if (piece.isStray === true) this.#flood.strayed()
      said()
    } else if (passed(worker, piece.mark)) this.#flood.subsided()
  }
}
