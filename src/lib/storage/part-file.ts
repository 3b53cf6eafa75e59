import { closeSync, constants, openSync, unlinkSync } from 'node:fs'
import { faultPoint } from '../fault/index.ts'
import type { ObjectIdentity } from './layout.ts'
import type { Syncs } from './syncs.ts'

export interface CommitIdentity extends ObjectIdentity {
  /** Where the data set begins in the part file: what is before it (file meta) may differ between equal objects. */
  readonly dataSetOffset: number
}

export interface Committed {
  readonly path: string
  /** The same data set was already there: the part file is gone, `path` is the one that was there first. */
  readonly duplicate: boolean
  /** Another data set lay under this UID: both are kept, `path` is the new one. */
  readonly conflict: boolean
}

/** An object on its way into the archive: a temporary file that nobody else sees. */
export interface ArchivePart {
  /** Open for reading and writing, until it is committed, discarded or detached. */
  readonly fd: number
  readonly path: string
  /** Whether `direct` is likely to give a descriptor. */
  readonly canBeDirect: boolean
  /**
   * The same file, to be written past the kernel's cache (open(2), O_DIRECT): memory, place and length begin
   * and end where blocks of the disk do. Undefined where the file system has no such thing. Not to be closed.
   */
  direct(): number | undefined
  /**
   * Everything is written: the disk may begin, while its owner looks at what it has. Optional; nothing may
   * be written behind it, and trouble is told by `commit`.
   */
  flush(): void
  commit(identity: CommitIdentity): Promise<Committed>
  discard(): Promise<void>
  /** Synced and closed, for whoever moves the file elsewhere. */
  detach(): Promise<void>
}

/** What all parts of one archive share. */
export interface WaysOfParts {
  readonly isDurable: boolean
  readonly syncs: Syncs
  readonly directWrites: DirectWrites
  /** The file is whole, synced and closed. */
  readonly place: (part: ArchivePart, identity: CommitIdentity) => Promise<Committed>
}

/** Files opened once more to be written past the kernel's cache, where that works. */
export class DirectWrites {
  /** Until a file system says that it does not: Linux alone has it, and tmpfs, say, may not. */
  #work = (constants.O_DIRECT as number | undefined) !== undefined

  get work(): boolean {
    return this.#work
  }

  /** The very file, whatever its name means by now; where there is no /proc, it cannot be had. */
  open(fd: number): number | undefined {
    try {
      return openSync(`/proc/self/fd/${String(fd)}`, constants.O_WRONLY | constants.O_DIRECT)
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (!['EINVAL', 'ENOENT'].includes(code)) throw error
      this.#work = false
      return undefined
    }
  }
}

/** A class, and no literal: with a getter and functions of its own each part would have a shape of its own, at some microseconds. */
export class PartFile implements ArchivePart {
  readonly fd: number
  readonly path: string
  readonly #ways: WaysOfParts
  #isOpen = true
  #direct: number | undefined
  #syncing: Promise<void> | undefined

  constructor(fd: number, path: string, ways: WaysOfParts) {
    this.fd = fd
    this.path = path
    this.#ways = ways
  }

  get canBeDirect(): boolean {
    return this.#isOpen && this.#ways.directWrites.work
  }

  direct(): number | undefined {
    if (this.canBeDirect) this.#direct ??= this.#ways.directWrites.open(this.fd)
    return this.#direct
  }

  flush(): void {
    if (this.#ways.isDurable && this.#isOpen) this.#synced().catch(() => undefined)
  }

  async detach(): Promise<void> {
    await this.#whole()
    this.#close()
  }

  async commit(identity: CommitIdentity): Promise<Committed> {
    faultPoint('archive.part-written')
    await this.#whole()
    faultPoint('archive.part-synced')
    this.#close()
    return this.#ways.place(this, identity)
  }

  async discard(): Promise<void> {
    // Not under the feet of a sync that is under way.
    await this.#syncing?.catch(() => undefined)
    this.#close()
    removeFile(this.path)
  }

  #synced(): Promise<void> {
    return (this.#syncing ??= this.#ways.syncs.sync(this.fd, 'all'))
  }

  async #whole(): Promise<void> {
    if (this.#ways.isDurable && this.#isOpen) await this.#synced()
  }

  /** Once only: the numbers may be other files' by then. */
  #close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    closeSync(this.fd)
    if (this.#direct !== undefined) closeSync(this.#direct)
  }
}

/** unlink(2) alone: Node's rm looks at the file first, which costs as much again. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
