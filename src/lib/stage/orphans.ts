import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { ExitCode, FionaError } from '../error/index.ts'
import { processIds } from '../process/index.ts'

/** In the environment of all that a stage starts: its lease's token. Children of children inherit it. */
export const leaseVariable = 'FIONA_STAGE_LEASE'
const patienceMs = 5000

/**
 * Ends what dead stages of the same name left running, so that it cannot get in the way of the
 * pipeline that comes now. Found by what they inherited, not by pids, which may belong to others by now.
 * Without /proc there is nothing to look at, and the guard of each pipeline has to do.
 * @throws FionaError E_STAGE_ORPHAN (exit 75) when one does not end
 */
export async function endOrphans(tokens: readonly string[]): Promise<number> {
  if (tokens.length === 0) return 0
  const marks = tokens.map((token) => Buffer.from(`${leaseVariable}=${token}\0`))
  const ended = new Set<number>()
  for (const giveUpAt = performance.now() + patienceMs; ;) {
    const orphans = processesWith(marks)
    if (orphans.length === 0) return ended.size
    if (performance.now() > giveUpAt) {
      throw new FionaError(
        'E_STAGE_ORPHAN',
        `process ${String(orphans[0])} of a former run does not end`,
        {
          hint: 'it may hang in a file system that is away; this stage waits for it',
          exitCode: ExitCode.tryAgain,
          retryable: true,
        },
      )
    }
    for (const pid of orphans) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It ended by itself.
      }
      ended.add(pid)
    }
    await delay(20)
  }
}

function processesWith(marks: readonly Buffer[]): number[] {
  return processIds().filter((pid) => {
    if (pid === process.pid) return false
    try {
      const environment = readFileSync(`/proc/${String(pid)}/environ`)
      return marks.some((mark) => environment.includes(mark))
    } catch {
      // It has ended, or belongs to somebody else.
      return false
    }
  })
}
