import type { Logger } from 'pino'
import type { StageLimits } from './limits.ts'

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
