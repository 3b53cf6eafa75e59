import { join } from 'node:path'
import { Lease } from '../journal/index.ts'

export interface SiteClaim extends AsyncDisposable {
  /** Whoever had it before did not end in order: its parts may still be ending. */
  readonly isAfterCrash: boolean
}

/**
 * One chain at a time on a data directory; that of a killed one is free at once.
 * @throws FionaError E_LEASE_HELD (exit 75)
 */
export async function claimSite(runDir: string): Promise<SiteClaim> {
  const lease = await Lease.acquire(join(runDir, 'chain'), {
    what: 'a chain on this data directory',
    hint: 'stop that one first, or give this one another --data-dir and --port',
    waitMs: 0,
  })
  const isAfterCrash = lease.predecessors.length > 0
  // What they left are processes that end by their lifelines, not by our looking for them.
  await lease.forgetPredecessors()
  return { isAfterCrash, [Symbol.asyncDispose]: () => lease.release() }
}
