import { randomUUID } from 'node:crypto'
import { constants, linkSync, lstatSync, openSync, renameSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { FionaError } from '../error/index.ts'
import { faultPoint } from '../fault/index.ts'
import { DirectorySyncs } from './directory-syncs.ts'
import { makeDirectories, syncDirectory, syncFile, writeFileAtomic } from './durable.ts'
import { fileDigest } from './file-digest.ts'
import { IncomingParts } from './incoming-parts.ts'
import { archivePath, incomingPath, quarantinePath, type ObjectIdentity } from './layout.ts'
import {
  type ArchivePart,
  type Committed,
  DirectWrites,
  PartFile,
  type WaysOfParts,
  removeFile,
} from './part-file.ts'
import { RealDirectories, leadsElsewhere } from './real-directories.ts'
import { sameDataSet } from './same-data-set.ts'
import { Syncs } from './syncs.ts'
import { removeDeadTemporaries } from './temporary-name.ts'

export type Durability = 'fsync' | 'none'

/**
 * The only way into the archive. An object becomes visible under its final name when it is whole:
 * fsync of the file, link to the final name (never over another file), fsync of the directory. Only the
 * syncs go through the thread pool: opening, closing, linking and removing take the kernel less time than
 * a turn there takes us, several times over on a busy machine. No symbolic link is followed on the way.
 */
export class ArchiveWriter {
  readonly dataDir: string
  readonly durability: Durability
  #madeDirectories = new Set<string>()
  readonly #real: RealDirectories
  readonly #syncs: Syncs
  readonly #directorySyncs: DirectorySyncs
  #parts: Promise<IncomingParts> | undefined
  readonly #ways: WaysOfParts

  constructor(options: {
    readonly dataDir: string
    readonly durability?: Durability
    readonly syncs?: Syncs | undefined
  }) {
    this.dataDir = options.dataDir
    this.#real = new RealDirectories(options.dataDir)
    this.durability = options.durability ?? 'fsync'
    this.#syncs = options.syncs ?? new Syncs()
    this.#directorySyncs = new DirectorySyncs((path) => syncDirectory(path, this.#syncs))
    this.#ways = {
      isDurable: this.durability === 'fsync',
      syncs: this.#syncs,
      directWrites: new DirectWrites(),
      place: ({ path }, identity) =>
        this.#place({ path, isPart: true, dataSetOffset: identity.dataSetOffset }, identity),
    }
  }

  /**
   * Finds out at the start whether objects can be received here.
   * @throws the error of the operating system
   */
  async prepare(): Promise<void> {
    await this.#incoming()
  }

  async begin(): Promise<ArchivePart> {
    const parts = await this.#incoming()
    const path = parts.next()
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
    const fd = await this.#openIn(parts.folder, () => this.#open(path, flags))
    faultPoint('archive.part-opened')
    return new PartFile(fd, path, this.#ways)
  }

  #open(path: string, flags: number): number {
    return this.#real.within(dirname(path), (folder) => {
      return openSync(join(folder, basename(path)), flags, 0o640)
    })
  }

  async #incoming(): Promise<IncomingParts> {
    try {
      const folder = incomingPath(this.dataDir)
      if (this.#parts === undefined) this.#real.requireWay(folder)
      this.#parts ??= this.#openIncoming(folder)
      return await this.#parts
    } catch (error) {
      this.#parts = undefined
      throw error
    }
  }

  async #openIncoming(folder: string): Promise<IncomingParts> {
    const parts = await IncomingParts.open(folder)
    const quarantine = quarantinePath(this.dataDir)
    try {
      this.#real.requireWay(quarantine)
      // Of notes beside what was refused: whoever was killed while writing one has answered nobody.
      await removeDeadTemporaries(quarantine)
    } catch {
      // It is not there yet; and what else is wrong with it is told when something must go there.
    }
    return parts
  }

  /** Someone may have removed the directory since we made it (cleanup): it is made again, once. */
  async #openIn(folder: string, openFile: () => number): Promise<number> {
    try {
      return openFile()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      await makeDirectories(folder)
      return openFile()
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
    extension = '.dcm',
  ): Promise<string> {
    const folder = quarantinePath(this.dataDir)
    this.#real.requireWay(folder)
    await makeDirectories(folder)
    const name = `${new Date().toISOString().replaceAll(/[-:.]/g, '')}-${randomUUID()}`
    const path = join(folder, `${name}${extension}`)
    await part.detach()
    faultPoint('quarantine.detached')
    this.#betweenReal(part.path, path, renameSync)
    faultPoint('quarantine.renamed')
    const said =
      reason instanceof FionaError
        ? { code: reason.code, message: reason.message, hint: reason.hint }
        : { message: reason }
    const note = { time: new Date().toISOString(), ...said, ...details }
    await writeFileAtomic(join(folder, `${name}.json`), `${JSON.stringify(note, null, 2)}\n`)
    return path
  }

  /**
   * Gives a stored object to one more project: another name for the file, which nobody ever changes, so that its
   * bytes are on the disk once. What lies there under its UID counts as at a commit.
   * @param stored path of a file that is durable in the archive
   */
  async share(stored: string, identity: ObjectIdentity): Promise<Committed> {
    return this.#place({ path: stored, isPart: false }, identity)
  }

  async #place(source: Source, identity: ObjectIdentity): Promise<Committed> {
    const path = archivePath(this.dataDir, identity)
    await this.#ensureDirectory(dirname(path))
    if (await this.#placeWithoutOverwriting(source, path)) {
      await this.#syncName(path)
      return { path, duplicate: false, conflict: false }
    }
    if (await sameDataSet(source.path, source.dataSetOffset, path)) {
      removePart(source)
      faultPoint('archive.duplicate-removed')
      // The one that was first may still be on its way to the disk: success must not be said before it is there.
      await this.#syncFile(path)
      return { path, duplicate: true, conflict: false }
    }
    const digest = (await fileDigest(source.path)).slice(0, 16)
    const beside = path.replace(/\.dcm$/, `~${digest}.dcm`)
    if (!(await this.#placeWithoutOverwriting(source, beside))) {
      if (!lstatSync(beside).isFile()) throw leadsElsewhere(beside)
      removePart(source)
      await this.#syncFile(beside)
      return { path: beside, duplicate: true, conflict: true }
    }
    await this.#syncName(beside)
    return { path: beside, duplicate: false, conflict: true }
  }

  /** link(2) fails where rename(2) would replace: two associations that race for one UID cannot lose either object. */
  async #placeWithoutOverwriting(source: Source, path: string): Promise<boolean> {
    const from = source.path
    try {
      this.#betweenReal(from, path, linkSync)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'EEXIST') return false
      if (code === 'ENOENT' && (await stat(from).catch(() => undefined)) !== undefined) {
        // Someone removed the directory since we made it (cleanup): make it again, once.
        this.#madeDirectories.delete(dirname(path))
        await this.#ensureDirectory(dirname(path))
        this.#betweenReal(from, path, linkSync)
      } else throw error
    }
    faultPoint('archive.linked')
    removePart(source)
    faultPoint('archive.part-removed')
    return true
  }

  #betweenReal(from: string, to: string, work: (from: string, to: string) => void): void {
    this.#real.within(dirname(from), (source) => {
      this.#real.within(dirname(to), (target) => {
        work(join(source, basename(from)), join(target, basename(to)))
      })
    })
  }

  async #ensureDirectory(path: string): Promise<void> {
    if (this.#madeDirectories.has(path)) return
    this.#real.requireWay(path)
    await makeDirectories(path, { durable: this.durability === 'fsync' })
    if (this.#madeDirectories.size > 10_000) this.#madeDirectories.clear()
    this.#madeDirectories.add(path)
  }

  async #syncName(path: string): Promise<void> {
    if (this.durability === 'fsync') await this.#directorySyncs.sync(dirname(path))
    faultPoint('archive.name-synced')
  }

  async #syncFile(path: string): Promise<void> {
    if (this.durability !== 'fsync') return
    await syncFile(path)
    await this.#syncName(path)
  }
}

/** What gets a name in the archive: a part, which has lost its own by then, or a file that is there already. */
interface Source {
  readonly path: string
  readonly isPart: boolean
  /** Unless its header is to tell. */
  readonly dataSetOffset?: number
}

function removePart({ path, isPart }: Source): void {
  if (isPart) removeFile(path)
}
