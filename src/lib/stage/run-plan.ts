// What one run of the pipeline is given, what it is to do, and how it ends.
import type { Logger } from 'pino'
import type { CommitContext } from './commits.ts'
import type { Runaway, StageLimits } from './limits.ts'
import type { Ending } from './pipeline.ts'
import type { SortRules } from './sort-output.ts'
import type { Workers } from './workers.ts'

export interface RunContext extends CommitContext {
  readonly sort: SortRules
  readonly start: () => Workers
  readonly log: Logger
  /** Stop feeding, drain, commit. */
  readonly signal: AbortSignal
  readonly limits: StageLimits
  /** How long draining may take after `signal`, and how long a pipeline may do nothing after the end of its input. */
  readonly drainMs: number
  /** Called with the number of lines that a commit brought. */
  readonly onCommitted: (lines: number) => void
}

export interface RunPlan {
  /** Drain at the end of the journal in place of waiting for more. */
  readonly once: boolean
  /** At most so many lines, with a mark behind each, then drain: to find the one that kills. */
  readonly limit: number | undefined
  /** It flooded before: nothing it prints is appended before there is a mark behind it. */
  readonly isDistrusted: boolean
}

export type RunEnd =
  /** Everything that was fed is committed; `reachedEnd`: there was no more in the journal. */
  | { readonly kind: 'drained'; readonly reachedEnd: boolean }
  | {
      readonly kind: 'failed'
      readonly ending: Ending
      readonly inFlight: number
      /** It was ended because it would not have ended by itself. */
      readonly runaway: Runaway | undefined
    }
