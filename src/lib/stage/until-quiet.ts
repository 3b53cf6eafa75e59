import type { Change } from './change.ts'
import type { Commits, Progress } from './commits.ts'
import type { MarkedInput } from './marked-input.ts'
import type { Outlets } from './outlets.ts'
import type { OutputCollector } from './output-collector.ts'
import { type Pulse, unprovenMs } from './pulse.ts'

/** Told to drain, one that has not moved for so long is not waited for before its input is closed. */
const stillMs = 3000
/**
 * Whoever stands still within a line holds the rest of it back in a buffer, and the last mark with it: no
 * waiting brings that, only the end of the input.
 */
const heldBackMs = 200
const lookMs = 100

export interface QuietOptions {
  readonly progress: Progress
  readonly input: MarkedInput
  readonly commits: Commits
  readonly outlets: Outlets
  readonly output: Pick<OutputCollector, 'isWithinLine'>
  readonly pulse: Pulse
  /** Notified of marks and commits. */
  readonly change: Change
  /** Aborted when the pipeline has ended. */
  readonly gone: AbortSignal
  /** Waited for no longer. */
  readonly longestMs: number
}

/**
 * Before the input is closed, whatever keeps state by marks shall know that all it said was committed:
 * else it would say it again in its next life.
 */
export async function untilQuiet(options: QuietOptions): Promise<void> {
  const { progress, output, pulse, change, gone, longestMs } = options
  const giveUpAt = performance.now() + longestMs
  while (!isQuiet(options) && progress.passesMarks !== false && !gone.aborted) {
    const now = performance.now()
    const patienceMs = progress.passesMarks === true ? stillMs : unprovenMs
    if (now > giveUpAt || now - pulse.movedAt > patienceMs) return
    const stirredAt = Math.max(pulse.movedAt, pulse.printedAt)
    if (output.isWithinLine && now - stirredAt > heldBackMs) return
    await change.wait(lookMs)
  }
}

function isQuiet({ input, commits, outlets }: QuietOptions): boolean {
  return input.outstanding === 0 && !input.wantsMark && commits.isIdle && outlets.isEmpty
}
