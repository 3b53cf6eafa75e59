import type { Queue } from '../queue.ts'

/**
 * Several associations take objects from one queue. A peer that lets in fewer of them than we would
 * like gets fewer: not being let in is an error only when nobody else has sent the objects.
 * @param options `send` takes objects until the queue is empty; what it throws ends the work of the others
 *   after the object that each is sending. `leave` gets every association that was opened, in the end
 */
export async function sendInParallel<Way, Item>(
  queue: Queue<Item>,
  options: {
    readonly associations: number
    readonly signal: AbortSignal
    readonly open: (signal: AbortSignal) => Promise<Way>
    readonly send: (way: Way) => Promise<void>
    readonly leave: (way: Way) => Promise<void>
  },
): Promise<void> {
  const knocking = new Set<AbortController>()
  const notLetIn: unknown[] = []

  const work = async (): Promise<void> => {
    const knock = new AbortController()
    knocking.add(knock)
    let way: Way
    try {
      way = await options.open(AbortSignal.any([options.signal, knock.signal]))
    } catch (error) {
      notLetIn.push(error)
      return
    } finally {
      knocking.delete(knock)
    }
    try {
      await options.send(way)
    } catch (error) {
      // The way is broken: nobody shall take another.
      queue.clear()
      throw error
    } finally {
      // Nor go on waiting at the door.
      for (const other of knocking) other.abort()
      await options.leave(way)
    }
  }

  const count = queue.ahead(options.associations).length
  const ends = await Promise.allSettled(Array.from({ length: count }, work))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  if (notLetIn.length === count && count > 0) throw notLetIn[0]
}
