import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { FionaError } from '../error/index.ts'
import { asStorageError } from '../intake/index.ts'

/** Does the work until it is not the disk that prevents it. */
export type Patience = <Result>(work: () => Promise<Result>) => Promise<Result>

const longestWaitMs = 30_000

/** True for what is over when somebody frees space or mends the file system: no object is to blame. */
export function canWait(error: unknown): boolean {
  const trouble = asStorageError(error)
  return trouble instanceof FionaError && ['E_DISK_FULL', 'E_ARCHIVE_WRITE'].includes(trouble.code)
}

/**
 * For a service whose input cannot be asked for again: it waits for space, and whoever writes into the front
 * door waits with it. After the signal it tries no more.
 */
export function patience(log: Logger, signal: AbortSignal, firstWaitMs = 500): Patience {
  return async (work) => {
    for (let waitMs = firstWaitMs; ; waitMs = Math.min(2 * waitMs, longestWaitMs)) {
      try {
        return await work()
      } catch (error) {
        if (!canWait(error) || signal.aborted) throw error
        log.warn({ err: asStorageError(error), waitMs }, 'nothing can be stored; the import waits')
        await delay(waitMs, undefined, { signal }).catch(() => undefined)
      }
    }
  }
}
