import { createHash, randomUUID } from 'node:crypto'
import { constants, linkSync, rmSync } from 'node:fs'
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { FionaError } from '../error/index.ts'
import { makeDirectories, syncDirectory, writeFileAtomic } from './durable.ts'
import { archivePath, incomingPath, quarantinePath, type ObjectIdentity } from './layout.ts'
import { sameDataSet } from './same-data-set.ts'

export type Durability = 'fsync' | 'none'

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
  readonly handle: FileHandle
  readonly fd: number
  readonly path: string
  commit(identity: CommitIdentity): Promise<Committed>
  discard(): Promise<void>
}

/**
 * The only way into the archive. An object becomes visible under its final name when it is whole:
 * fsync of the file, link to the final name (never over another file), fsync of the directory.
 */
export class ArchiveWriter {
  readonly dataDir: string
  readonly durability: Durability
  #madeDirectories = new Set<string>()
  #incomingReady: Promise<void> | undefined

  constructor(options: { readonly dataDir: string; readonly durability?: Durability }) {
    this.dataDir = options.dataDir
    this.durability = options.durability ?? 'fsync'
  }

  async begin(): Promise<ArchivePart> {
    const folder = incomingPath(this.dataDir)
    this.#incomingReady ??= makeDirectories(folder)
    try {
      await this.#incomingReady
    } catch (error) {
      this.#incomingReady = undefined
      throw error
    }
    const path = join(folder, `${randomUUID()}.part`)
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
    const handle = await open(path, flags, 0o640)
    let closed: Promise<void> | undefined
    const close = (): Promise<void> => (closed ??= handle.close())
    return {
      handle,
      fd: handle.fd,
      path,
      commit: async (identity) => {
        if (this.durability === 'fsync') await handle.sync()
        // Closing takes a turn in the thread pool, and nothing waits for it but the end.
        const [committed] = await Promise.all([this.#publish(path, identity), close()])
        return committed
      },
      discard: async () => {
        await close()
        await rm(path, { force: true })
      },
    }
  }

  /**
   * Keep what could not be read or was refused, with the reason beside it.
   * @returns the path it now lies at
   */
  async quarantine(
    part: ArchivePart,
    reason: FionaError | string,
    details: Readonly<Record<string, unknown>> = {},
  ): Promise<string> {
    const folder = quarantinePath(this.dataDir)
    await makeDirectories(folder)
    const name = `${new Date().toISOString().replaceAll(/[-:.]/g, '')}-${randomUUID()}`
    const path = join(folder, `${name}.dcm`)
    if (this.durability === 'fsync') await part.handle.sync()
    await rename(part.path, path)
    await part.handle.close()
    const said =
      reason instanceof FionaError
        ? { code: reason.code, message: reason.message, hint: reason.hint }
        : { message: reason }
    const note = { time: new Date().toISOString(), ...said, ...details }
    await writeFileAtomic(join(folder, `${name}.json`), `${JSON.stringify(note, null, 2)}\n`)
    return path
  }

  async #publish(part: string, identity: CommitIdentity): Promise<Committed> {
    const path = archivePath(this.dataDir, identity)
    await this.#ensureDirectory(dirname(path))
    if (await this.#placeWithoutOverwriting(part, path)) {
      return { path, duplicate: false, conflict: false }
    }
    if (await sameDataSet(part, identity.dataSetOffset, path)) {
      removeFile(part)
      // The one that was first may still be on its way to the disk: success must not be said before it is there.
      if (this.durability === 'fsync') await this.#syncFile(path)
      return { path, duplicate: true, conflict: false }
    }
    const beside = path.replace(/\.dcm$/, `~${(await digest(part)).slice(0, 16)}.dcm`)
    if (!(await this.#placeWithoutOverwriting(part, beside))) {
      removeFile(part)
      return { path: beside, duplicate: true, conflict: true }
    }
    return { path: beside, duplicate: false, conflict: true }
  }

  /**
   * link(2) fails where rename(2) would replace: two associations that race for one UID cannot lose either
   * object. Names are made and removed at once: a turn in the thread pool costs several times what they do.
   */
  async #placeWithoutOverwriting(part: string, path: string): Promise<boolean> {
    try {
      linkSync(part, path)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'EEXIST') return false
      if (code === 'ENOENT' && (await stat(part).catch(() => undefined)) !== undefined) {
        // Someone removed the directory since we made it (cleanup): make it again, once.
        this.#madeDirectories.delete(dirname(path))
        await this.#ensureDirectory(dirname(path))
        linkSync(part, path)
      } else throw error
    }
    removeFile(part)
    if (this.durability === 'fsync') await syncDirectory(dirname(path))
    return true
  }

  async #ensureDirectory(path: string): Promise<void> {
    if (this.#madeDirectories.has(path)) return
    await makeDirectories(path, { durable: this.durability === 'fsync' })
    if (this.#madeDirectories.size > 10_000) this.#madeDirectories.clear()
    this.#madeDirectories.add(path)
  }

  async #syncFile(path: string): Promise<void> {
    const handle = await open(path, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
    await syncDirectory(dirname(path))
  }
}

function removeFile(path: string): void {
  rmSync(path, { force: true })
}

async function digest(path: string): Promise<string> {
  const handle = await open(path, 'r')
  const hash = createHash('sha256')
  for await (const chunk of handle.createReadStream()) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
