import { closeSync, fsync, openSync, write } from 'node:fs'
import { promisify } from 'node:util'
import type { DicomFile, OutPart } from '../../dicom/index.ts'
import { faultPoint } from '../../fault/index.ts'
import { pieceBytes, pour, writeInPieces } from './write-object.ts'

const writeAsync = promisify(write)
const fsyncAsync = promisify(fsync)

/**
 * Objects on their way to stable storage, several at once: the thread pool writes them while the next ones are
 * made, and the file system commits them together. Of a large object only the sync is left to the pool: it is
 * never in memory.
 */
export class ObjectWriter {
  readonly #most: number
  readonly #syncs: boolean
  /** Memory of small objects that are written, for the next ones. */
  readonly #idle: Buffer[] = []
  #running = new Set<Promise<void>>()
  #failed: { error: unknown } | undefined

  constructor(options: { readonly most?: number; readonly syncs?: boolean } = {}) {
    this.#most = options.most ?? 16
    this.#syncs = options.syncs ?? true
  }

  /**
   * Of `file` nothing is needed any more when this resolves, which it does when there is room for the next.
   * @returns its size in bytes
   * @throws FionaError of reading `file`; errors of the system are those of writing, and may come with `done`
   */
  async write(path: string, parts: Iterable<OutPart>, file: DicomFile): Promise<number> {
    const all = [...parts]
    const size = all.reduce((sum, { length }) => sum + length, 0)
    if (size > pieceBytes) {
      const fd = writeInPieces(path, all, file)
      await this.#track(this.#settle(fd))
    } else {
      const memory = this.#idle.pop() ?? Buffer.allocUnsafeSlow(pieceBytes)
      pour(all, file, memory, () => true)
      await this.#track(this.#writeSmall(path, memory, size))
    }
    return size
  }

  /** All that was given is on stable storage, or this rejects. */
  async done(): Promise<void> {
    await Promise.all(this.#running)
    faultPoint('outbox.objects-synced')
    const failed = this.#failed
    this.#failed = undefined
    if (failed !== undefined) throw failed.error
  }

  async #track(job: Promise<void>): Promise<void> {
    const tracked = job
      .catch((error: unknown) => {
        this.#failed ??= { error }
      })
      .finally(() => this.#running.delete(tracked))
    this.#running.add(tracked)
    if (this.#running.size >= this.#most) await Promise.race(this.#running)
  }

  async #writeSmall(path: string, memory: Buffer, size: number): Promise<void> {
    try {
      const fd = openSync(path, 'wx', 0o640)
      try {
        for (let at = 0; at < size;) {
          at += (await writeAsync(fd, memory, at, size - at)).bytesWritten
        }
      } catch (error) {
        closeSync(fd)
        throw error
      }
      await this.#settle(fd)
    } finally {
      this.#idle.push(memory)
    }
  }

  async #settle(fd: number): Promise<void> {
    try {
      faultPoint('outbox.object-written')
      if (this.#syncs) await fsyncAsync(fd)
    } finally {
      closeSync(fd)
    }
  }
}
