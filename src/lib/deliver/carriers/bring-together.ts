import type { Cargo } from '../carrier.ts'
import type { StudyObject } from '../list-objects.ts'
import { Queue } from './queue.ts'

/**
 * Brings several objects at once, each on its own; whoever is done with one takes the next.
 * @param options.atOnce so many are under way, at most
 * @param options.stopping no other is taken
 * @throws what `bring` threw first; no other is taken then, and none is under way any more
 */
export async function bringTogether(
  objects: Cargo,
  { atOnce, stopping }: { readonly atOnce: number; readonly stopping: AbortSignal },
  bring: (object: StudyObject) => Promise<void>,
): Promise<void> {
  const queue = new Queue(objects)
  const work = async (): Promise<void> => {
    try {
      for (let object = queue.next(); object !== undefined; object = queue.next()) {
        if (stopping.aborted) return
        await bring(object)
      }
    } finally {
      // The way has failed for one, or all is done: nobody takes another.
      queue.clear()
    }
  }
  const count = Math.min(atOnce, objects.length)
  // Whoever waits for this closes the ledger then: the last one must have written into it.
  const ends = await Promise.allSettled(Array.from({ length: count }, work))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}
