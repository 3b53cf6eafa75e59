import { createHash, type Hash } from 'node:crypto'
import { write, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { asStorageError, type Intake, type Known } from '../intake/index.ts'
import type { InstanceRecord } from '../record/index.ts'
import type { ArchivePart } from '../storage/index.ts'

/** Up to here a turn through the thread pool costs more than the bytes. */
const smallBytes = 1 << 17
const writeAt = promisify(write)

/** An object that comes as a stream of bytes, on its way into the archive. */
export class Spool {
  readonly #intake: Intake
  readonly #part: ArchivePart
  readonly #hash: Hash = createHash('sha256')
  #size = 0

  private constructor(intake: Intake, part: ArchivePart) {
    this.#intake = intake
    this.#part = part
  }

  /** @throws FionaError E_DISK_FULL, E_ARCHIVE_WRITE */
  static async begin(intake: Intake): Promise<Spool> {
    return new Spool(intake, await intake.begin())
  }

  get fd(): number {
    return this.#part.fd
  }
  get path(): string {
    return this.#part.path
  }
  get size(): number {
    return this.#size
  }

  /** @throws FionaError E_DISK_FULL, E_ARCHIVE_WRITE */
  async write(chunk: Buffer): Promise<void> {
    this.#hash.update(chunk)
    try {
      for (let done = 0; done < chunk.length;) {
        const [left, at] = [chunk.length - done, this.#size + done]
        done +=
          chunk.length <= smallBytes
            ? writeSync(this.#part.fd, chunk, done, left, at)
            : (await writeAt(this.#part.fd, chunk, done, left, at)).bytesWritten
      }
    } catch (error) {
      throw asStorageError(error)
    }
    this.#size += chunk.length
  }

  /** All of it was written. */
  flush(): void {
    this.#part.flush()
  }

  /** @throws as `Intake.take` */
  take(known: Pick<Known, 'source' | 'project'>): Promise<InstanceRecord> {
    const sha256 = this.#hash.digest('hex')
    return this.#intake.take(this.#part, { size: this.#size, sha256, ...known })
  }

  discard(): Promise<void> {
    return this.#part.discard()
  }
}
