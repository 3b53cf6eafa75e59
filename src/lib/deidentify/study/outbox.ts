import { copyFile, link, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { faultPoint } from '../../fault/index.ts'
import {
  inside,
  isTemporaryOfDead,
  makeDirectories,
  namesIn,
  safeComponent,
  syncDirectory,
  syncFile,
  temporaryPath,
} from '../../storage/index.ts'

const stagingName = '.incoming'

/**
 * A folder of de-identified studies, `<participant>/<StudyInstanceUID>/<SeriesInstanceUID>/<SOPInstanceUID>.dcm`.
 * A study is made in a hidden folder on the same file system and appears by one rename, whole. When a
 * later revision takes the place of an earlier one there is a moment without any; a process that dies
 * in it leaves the earlier one where the next process finds it and puts it back.
 */
export class Outbox {
  readonly root: string
  readonly #durable: boolean
  #swept: Promise<void> | undefined

  constructor(root: string, options: { readonly durable?: boolean } = {}) {
    this.root = resolve(root)
    this.#durable = options.durable ?? true
  }

  studyPath(participant: string, StudyInstanceUID: string): string {
    return inside(this.root, safeComponent(participant), safeComponent(StudyInstanceUID))
  }

  async begin(): Promise<StagedStudy> {
    await makeDirectories(this.root, { durable: this.#durable })
    await (this.#swept ??= this.#sweep())
    const directory = temporaryPath(join(this.root, stagingName))
    const make = (): Promise<void> => makeDirectories(join(directory, 'study'), { durable: false })
    // Another process may remove the folder around it, empty as it was, in this moment.
    await make().catch(make)
    return new StagedStudy(this.root, directory, this.#durable)
  }

  /** A study that a process published and died before it could say so: its name is durable from here on. */
  async settle(study: string): Promise<void> {
    if (this.#durable) await syncDirectory(dirname(study))
  }

  /** Out of sight first, so that nothing half removed is ever seen. */
  async withdraw(study: string): Promise<void> {
    const staged = await this.begin()
    await rename(study, join(staged.path, 'withdrawn'))
    await staged.remove()
  }

  /** What processes that died here left behind: earlier revisions go back, the rest goes. */
  async #sweep(): Promise<void> {
    const staging = join(this.root, stagingName)
    for (const name of await readdir(staging).catch(() => [])) {
      if (!isTemporaryOfDead(name)) continue
      const replaced = join(staging, name, 'replaced')
      for (const participant of await readdir(replaced).catch(() => [])) {
        for (const study of await readdir(join(replaced, participant))) {
          const path = join(this.root, participant, study)
          if (!(await exists(path))) await rename(join(replaced, participant, study), path)
        }
      }
      await rm(join(staging, name), { recursive: true, force: true })
    }
  }
}

/** The part of a study that is new, until all of it may be seen. */
export class StagedStudy {
  readonly #root: string
  readonly #directory: string
  readonly #durable: boolean
  readonly #scratch: string
  /** Their folders, by their UIDs. */
  readonly #series = new Map<string, string>()

  /** @param scratch the name of its scratch file: of each thread that works on it another */
  constructor(root: string, directory: string, durable: boolean, scratch = 'scratch') {
    this.#root = root
    this.#directory = directory
    this.#durable = durable
    this.#scratch = scratch
  }

  /** Where all of it is until it is published. */
  get directory(): string {
    return this.#directory
  }

  get path(): string {
    return join(this.#directory, 'study')
  }

  /** Where an object is to be written; its directory is there. */
  async place(SeriesInstanceUID: string, SOPInstanceUID: string): Promise<string> {
    let folder = this.#series.get(SeriesInstanceUID)
    if (folder === undefined) {
      folder = inside(this.path, safeComponent(SeriesInstanceUID))
      await makeDirectories(folder, { durable: false })
      this.#series.set(SeriesInstanceUID, folder)
    }
    return `${folder}/${safeComponent(SOPInstanceUID)}.dcm`
  }

  /** Of a file that is nobody's but the process's own, and gone with this. */
  scratchPath(): string {
    return join(this.#directory, this.#scratch)
  }

  /** A folder beside the study, for work on it; it is not made. */
  workPath(name: string): string {
    return join(this.#directory, safeComponent(name))
  }

  /** Empty again. */
  async clear(): Promise<void> {
    await rm(this.path, { recursive: true, force: true })
    await makeDirectories(this.path, { durable: false })
    this.#series.clear()
  }

  /** Whole under its name, with the objects of earlier revisions that were not made again. */
  async publish(final: string): Promise<void> {
    await makeDirectories(dirname(final), { durable: this.#durable })
    const isLater = await exists(final)
    if (isLater) await this.#adopt(final)
    if (this.#durable) {
      await Promise.all([...this.#series.values()].map((folder) => syncDirectory(folder)))
      await syncDirectory(this.path)
    }
    faultPoint('outbox.staged')
    if (isLater) {
      const aside = join(this.#directory, 'replaced', relative(this.#root, final))
      await makeDirectories(dirname(aside), { durable: false })
      await rename(final, aside)
      faultPoint('outbox.set-aside')
    }
    await rename(this.path, final)
    faultPoint('outbox.renamed')
    if (this.#durable) await syncDirectory(dirname(final))
    faultPoint('outbox.published')
  }

  /** What was made, and is not to be published, leaves the outbox. */
  async moveTo(directory: string): Promise<void> {
    try {
      await rename(this.path, directory)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
      await copyTree(this.path, directory)
    }
  }

  async remove(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true })
    // Unless another study is being made.
    await rmdir(dirname(this.#directory)).catch(() => undefined)
  }

  /** Links, so that nothing is written twice; copies where the file system has no links. */
  async #adopt(final: string): Promise<void> {
    for (const series of await readdir(final)) {
      for (const name of await readdir(join(final, series))) {
        const path = await this.place(series, name.replace(/\.dcm$/, ''))
        if (await exists(path)) continue
        await link(join(final, series, name), path).catch(async () => {
          await copyFile(join(final, series, name), path)
          if (this.#durable) await syncFile(path)
        })
      }
    }
  }
}

/** The objects of a study that is there: new UIDs by which they lie, and paths. */
export async function objectsIn(
  study: string,
): Promise<{ SeriesInstanceUID: string; SOPInstanceUID: string; path: string }[]> {
  const found = []
  for (const SeriesInstanceUID of await namesIn(study)) {
    for (const name of await namesIn(join(study, SeriesInstanceUID), [])) {
      const path = join(study, SeriesInstanceUID, name)
      found.push({ SeriesInstanceUID, SOPInstanceUID: basename(name, '.dcm'), path })
    }
  }
  return found
}

/** How many objects each series has, as records tell it: by the UIDs of the series. */
export function countBySeries(
  objects: readonly { readonly SeriesInstanceUID: string }[],
): { SeriesInstanceUID: string; instances: number }[] {
  const instances = new Map<string, number>()
  for (const { SeriesInstanceUID } of objects) {
    instances.set(SeriesInstanceUID, (instances.get(SeriesInstanceUID) ?? 0) + 1)
  }
  return [...instances]
    .map(([SeriesInstanceUID, count]) => ({ SeriesInstanceUID, instances: count }))
    .sort((a, b) => (a.SeriesInstanceUID < b.SeriesInstanceUID ? -1 : 1))
}

async function copyTree(from: string, to: string): Promise<void> {
  await makeDirectories(to, { durable: false, mode: 0o700 })
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await copyTree(source, target)
    else await copyFile(source, target)
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}
