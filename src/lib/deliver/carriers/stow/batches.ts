import { Queue } from '../queue.ts'

/** What one request may hold. */
export interface BatchLimits {
  readonly objects: number
  readonly bytes: number
}

interface Sized {
  readonly name: string
  readonly size: number
}

/**
 * Objects of one study in groups for one request each, made when the next is asked for. What a service did not
 * take together comes again in smaller groups, until the one that is to blame stands alone; and where it says
 * that a request is too large, no later one is as large.
 */
export class Batches<Item extends Sized> {
  readonly #limits: { objects: number; bytes: number }
  readonly #rest: Queue<Item>
  readonly #smaller: Item[][] = []
  readonly #mostTogether: (item: Item) => number

  /** @param mostTogether how many may be in a group with this one, for what has broken a request before */
  constructor(
    items: Iterable<Item>,
    limits: BatchLimits,
    mostTogether: (item: Item) => number = () => Infinity,
  ) {
    this.#limits = { ...limits }
    this.#rest = new Queue(items)
    this.#mostTogether = mostTogether
  }

  /** @returns undefined when there are none left */
  next(): Item[] | undefined {
    const smaller = this.#smaller.pop()
    if (smaller !== undefined) return smaller
    const batch: Item[] = []
    let bytes = 0
    let most = this.#limits.objects
    for (let [item] = this.#rest.ahead(1); item !== undefined; [item] = this.#rest.ahead(1)) {
      most = Math.min(most, this.#mostTogether(item))
      const fits = batch.length < most && bytes + item.size <= this.#limits.bytes
      if (batch.length > 0 && !fits) break
      batch.push(item)
      bytes += item.size
      this.#rest.next()
    }
    return batch.length > 0 ? batch : undefined
  }

  /** It was too much, or one of them spoils it: again in halves. @returns false when it is one already */
  split(batch: readonly Item[], why: 'too large' | 'one is bad'): boolean {
    if (why === 'too large') {
      const bytes = batch.reduce((sum, { size }) => sum + size, 0)
      this.#limits.bytes = Math.min(this.#limits.bytes, Math.ceil(bytes / 2))
    }
    if (batch.length <= 1) return false
    const half = batch.length >> 1
    this.#smaller.push(batch.slice(half), batch.slice(0, half))
    return true
  }

  /** These were not to blame, and come again together. */
  again(batch: Item[]): void {
    if (batch.length > 0) this.#smaller.push(batch)
  }

  /** As they turned out to be. */
  get limits(): BatchLimits {
    return { ...this.#limits }
  }

  /** Nobody shall take another. */
  clear(): void {
    this.#rest.clear()
    this.#smaller.length = 0
  }
}
