import type { Association } from '../../../dimse/index.ts'

/** The objects that nobody has taken yet, shared by all who take them. */
export type Queue<Item> = ArrayIterator<Item>

/**
 * Several associations take objects from one queue. A peer that lets in fewer of them than we would
 * like gets fewer: not being let in is an error only when nobody else has sent the objects.
 * @param send takes objects until the queue is empty; what it throws ends the work of the others
 *   after the object that each is sending
 */
export async function sendInParallel<Item>(
  objects: readonly Item[],
  options: {
    readonly associations: number
    readonly signal: AbortSignal
    readonly open: (signal: AbortSignal) => Promise<Association>
    readonly send: (association: Association, queue: Queue<Item>) => Promise<void>
  },
): Promise<void> {
  const queue = objects.values()
  const knocking = new Set<AbortController>()
  const notLetIn: unknown[] = []

  const work = async (): Promise<void> => {
    const knock = new AbortController()
    knocking.add(knock)
    let association: Association
    try {
      association = await options.open(AbortSignal.any([options.signal, knock.signal]))
    } catch (error) {
      notLetIn.push(error)
      return
    } finally {
      knocking.delete(knock)
    }
    try {
      await options.send(association, queue)
    } finally {
      // All is sent or the way is broken: nobody shall take another, or go on waiting at the door.
      while (queue.next().done !== true);
      for (const other of knocking) other.abort()
      await association.release()
    }
  }

  const count = Math.min(options.associations, objects.length)
  const ends = await Promise.allSettled(Array.from({ length: count }, work))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  if (notLetIn.length === count && count > 0) throw notLetIn[0]
}
