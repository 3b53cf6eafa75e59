import { close, fsync } from 'node:fs'
import { promisify } from 'node:util'
import { faultPoint } from '../fault/index.ts'

const fsyncAsync = promisify(fsync)
const closeAsync = promisify(close)

/** Files on their way to stable storage, several at once: the file system commits them together. */
export class SyncPool {
  readonly #most: number
  readonly #syncs: boolean
  #running = new Set<Promise<void>>()
  #failed: { error: unknown } | undefined

  constructor(options: { readonly most?: number; readonly syncs?: boolean } = {}) {
    this.#most = options.most ?? 16
    this.#syncs = options.syncs ?? true
  }

  /** Takes the descriptor over. Resolves when there is room for the next. */
  async add(fd: number): Promise<void> {
    const job = this.#finish(fd).catch((error: unknown) => {
      this.#failed ??= { error }
    })
    const tracked = job.finally(() => this.#running.delete(tracked))
    this.#running.add(tracked)
    if (this.#running.size >= this.#most) await Promise.race(this.#running)
  }

  /** All that was added is on stable storage, or this rejects. */
  async done(): Promise<void> {
    await Promise.all(this.#running)
    faultPoint('outbox.objects-synced')
    const failed = this.#failed
    this.#failed = undefined
    if (failed !== undefined) throw failed.error
  }

  async #finish(fd: number): Promise<void> {
    try {
      if (this.#syncs) await fsyncAsync(fd)
    } finally {
      await closeAsync(fd)
    }
  }
}
