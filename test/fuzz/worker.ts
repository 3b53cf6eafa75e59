// Runs inputs one after the other, in a thread of its own: whoever watches it sees when one does not end.
import { parentPort, workerData } from 'node:worker_threads'
import { type Given, caseOf } from './case-of-seed.ts'
import type { Target } from './targets.ts'

interface FuzzData {
  readonly targetsUrl: string
  readonly seed: number
  /** How many seeds from there. */
  readonly count: number
  readonly given?: Given
  /** The seed under way, how many are done, and whether the first has begun. */
  readonly progress: Int32Array
}

const data = workerData as FuzzData
const { targets } = (await import(data.targetsUrl)) as { targets: Record<string, Target> }

async function firstProblem(): Promise<string | undefined> {
  for (let n = 0; n < data.count; n++) {
    const seed = (data.seed + n) >>> 0
    data.progress[0] = seed
    data.progress[2] = 1
    const { name, input, random } = caseOf(seed, targets, data.given)
    try {
      await targets[name]?.run(input, random)
    } catch (error) {
      return error instanceof Error ? (error.stack ?? error.message) : String(error)
    }
    data.progress[1] = n + 1
  }
  return undefined
}

parentPort?.postMessage({ problem: await firstProblem() })
