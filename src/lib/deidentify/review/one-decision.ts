import { join } from 'node:path'
import type { HeldStudy } from './held-study.ts'
import type { Review } from './review.ts'

/** Making a study again takes so long where it is large. */
const waitMs = 60_000

/**
 * Runs what decides about a held study while nobody else does. Two who release it at once would deliver it twice, and
 * one who drops it would be told that nothing goes out while another lets it go.
 * @throws FionaError E_NOT_HELD, also when it was decided meanwhile; E_REVIEW; E_LEASE_HELD
 */
export async function decideAlone<Result>(
  review: Review,
  { requestId, project }: { readonly requestId: string; readonly project?: string | undefined },
  work: (study: HeldStudy) => Promise<Result>,
): Promise<Result> {
  const found = await review.find(requestId, project)
  // Only who decides needs that room.
  const { Lease } = await import('../../journal/index.ts')
  const lease = await Lease.acquire(join(review.folderOf(found), '.deciding'), {
    what: `a decision about ${JSON.stringify(requestId)}`,
    hint: 'fiona-anon review says what came of it',
    waitMs,
  })
  try {
    return await work(await review.find(requestId, project))
  } finally {
    await lease.release()
  }
}
