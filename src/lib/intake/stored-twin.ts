import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, fsync, openSync, read, readSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { syncDirectory } from '../storage/index.ts'

const chunkBytes = 1 << 18
/** Up to here a turn through the thread pool costs more than the bytes. */
const smallBytes = 1 << 17
/** Clocks of file systems lag behind ours by a tick, those of servers by more. */
const clockMarginMs = 10_000
/** By so much the clock may be corrected without being taken for set back: a part of that margin. */
const correctionMs = 1000
const readAt = promisify(read)
const sync = promisify(fsync)

export interface Twin {
  /** Of the stored file. */
  readonly size: number
  readonly sha256: string
}

/** An open file, and where its data set begins. */
interface Source {
  readonly fd: number
  readonly size: number
  readonly dataSetOffset: number
}

interface Surroundings {
  /** Of the machine, ms since 1970: what files are stamped with. */
  readonly wallClock: () => number
  /** Monotonic, ms. */
  readonly now: () => number
  readonly syncDirectory: (path: string) => Promise<void>
}

const real: Surroundings = {
  wallClock: () => Date.now(),
  now: () => performance.now(),
  syncDirectory: (path) => syncDirectory(path),
}

/** Looks whether an object is stored already, without writing anything: an import that is repeated only reads. */
export class StoredTwins {
  readonly #isDurable: boolean
  readonly #surroundings: Surroundings
  /** Directories, and when (wall clock) this process last began to sync them. */
  readonly #syncedAt = new Map<string, number>()
  /** How far the wall clock was ahead of the monotonic one, at most, while these syncs were made. */
  #lead = -Infinity

  constructor(isDurable: boolean, surroundings = real) {
    this.#isDurable = isDurable
    this.#surroundings = surroundings
  }

  /**
   * The file at `path`, durable, if its data set is that of the source, byte for byte; what is before it may
   * differ (see ArchiveWriter).
   */
  async find(path: string, source: Source): Promise<Twin | undefined> {
    let fd: number
    try {
      fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    } catch (error) {
      // Whatever else there is to say of it, the way into the archive will find out.
      if (!(error instanceof Error && 'code' in error)) throw error
      return undefined
    }
    try {
      const { size, ctimeMs } = fstatSync(fd)
      const sha256 = await digestOfEqual(fd, size, source)
      if (sha256 === undefined) return undefined
      if (this.#isDurable) {
        await sync(fd)
        await this.#syncName(dirname(path), ctimeMs)
      }
      return { size, sha256 }
    } finally {
      closeSync(fd)
    }
  }

  /** Whoever linked the file may have died before the sync of its directory. Once is enough for all that were there. */
  async #syncName(directory: string, linkedAtMs: number): Promise<void> {
    const { wallClock, now, syncDirectory } = this.#surroundings
    const begunAt = wallClock()
    const lead = begunAt - now()
    this.#forgetIfSetBack(lead)
    const syncedAt = this.#syncedAt.get(directory)
    if (syncedAt !== undefined && linkedAtMs + clockMarginMs < syncedAt) return
    await syncDirectory(directory)
    // Set back meanwhile: its beginning says nothing any more.
    if (wallClock() - now() < lead - correctionMs) return
    if (this.#syncedAt.size > 10_000) this.#syncedAt.clear()
    this.#syncedAt.set(directory, begunAt)
  }

  /** By a clock that was set back, what was linked behind a sync may look as if it had been there before. */
  #forgetIfSetBack(lead: number): void {
    if (lead < this.#lead - correctionMs) {
      this.#syncedAt.clear()
      this.#lead = lead
    } else this.#lead = Math.max(this.#lead, lead)
  }
}

/** The SHA-256 of the stored file; undefined when the data sets differ. */
async function digestOfEqual(
  fd: number,
  size: number,
  source: Source,
): Promise<string | undefined> {
  const offset = dataSetOffset(fd)
  if (offset === undefined || size - offset !== source.size - source.dataSetOffset) return undefined
  const isSmall = size <= smallBytes
  const [stored, other] = buffersFor(Math.min(size, chunkBytes))
  const hash = createHash('sha256')
  for (let at = 0; at < size;) {
    const got = isSmall
      ? readSync(fd, stored, 0, stored.length, at)
      : (await readAt(fd, stored, 0, stored.length, at)).bytesRead
    if (got === 0) return undefined
    hash.update(stored.subarray(0, got))
    const skip = Math.max(0, offset - at)
    const compared = got - skip
    if (compared > 0) {
      const from = at + skip - offset + source.dataSetOffset
      const count = isSmall
        ? readSync(source.fd, other, 0, compared, from)
        : (await readAt(source.fd, other, 0, compared, from)).bytesRead
      if (count !== compared || stored.compare(other, 0, count, skip, got) !== 0) return undefined
    }
    at += got
  }
  return hash.digest('hex')
}

function buffersFor(bytes: number): [Buffer, Buffer] {
  return [Buffer.allocUnsafe(bytes), Buffer.allocUnsafe(bytes)]
}

/** From (0002,0000) FileMetaInformationGroupLength (PS3.10 7.1); undefined when the file has none. */
function dataSetOffset(fd: number): number | undefined {
  const head = Buffer.alloc(144)
  if (readSync(fd, head, 0, head.length, 0) < head.length) return undefined
  const begins = head.toString('latin1', 128, 138) === 'DICM\x02\0\0\0UL'
  return begins ? 144 + head.readUInt32LE(140) : undefined
}
