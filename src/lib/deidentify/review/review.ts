import { randomBytes } from 'node:crypto'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { whoRuns } from '../../crosswalk/index.ts'
import { ExitCode, FionaError, lastWordsOf } from '../../error/index.ts'
import { nowIso } from '../../record/index.ts'
import {
  inside,
  makeDirectories,
  namesIn,
  projectFolder,
  safeComponent,
  writeFileAtomic,
} from '../../storage/index.ts'
import { type StagedStudy, objectsIn } from '../study/outbox.ts'
import { type HeldStudy, parseHeldStudy } from './held-study.ts'
import { type DecisionKind, pastDecision } from './past-decision.ts'
import { readTrusted, requireTrusted } from './trusted-file.ts'

/** What a person adds to a decision: who it is, where that is not who runs the tool, and why. */
export interface Decision {
  readonly by?: string | undefined
  readonly because?: string | undefined
}

/** One that waits, or a folder that cannot be followed. */
export type Waiting =
  | {
      readonly study: HeldStudy
      readonly folder: string
      readonly objects: number
      readonly bytes: number
      readonly problem?: undefined
    }
  | { readonly folder: string; readonly problem: string }

/**
 * `<dataDir>/<project>/review/<requestId>/`: held.json, and in objects/ what was made. On the clinical
 * side of the boundary. A person's decision stays there as released.json or dropped.json.
 */
export class Review {
  readonly #dataDir: string

  constructor(dataDir: string) {
    this.#dataDir = dataDir
  }

  async hold(study: Omit<HeldStudy, 'v' | 'time' | 'user'>, staged: StagedStudy): Promise<void> {
    const folder = this.#folder(projectFolder(study.project), study.requestId)
    await makeDirectories(folder, { mode: 0o700 })
    await requireTrusted(folder, this.#dataDir)
    const there = await this.#read(projectFolder(study.project), study.requestId)
    // Names that a file system cannot hold are changed or cut: two may become one.
    if (there !== undefined && there.requestId !== study.requestId) throw sameFolder()
    const text = { v: 1, time: nowIso(), user: whoRuns().user, ...study } satisfies HeldStudy
    await writeDecision(folder, 'held', text)
    await removeObjects(folder)
    await staged.moveTo(join(folder, 'objects'))
  }

  /** @throws FionaError E_NOT_HELD when nothing is held under that name, E_REVIEW when it is not our own writing */
  async find(requestId: string, project?: string): Promise<HeldStudy> {
    const projects = project === undefined ? await this.#projects() : [projectFolder(project)]
    for (const name of projects) {
      const study = await this.#read(name, requestId)
      if (study?.requestId === requestId) return study
    }
    for (const name of projects) {
      const past = await pastDecision(this.#folder(name, requestId), this.#dataDir)
      if (past !== undefined) throw decidedBefore(requestId, past)
    }
    throw new FionaError('E_NOT_HELD', `nothing is held under ${JSON.stringify(requestId)}`, {
      hint: 'the requestId of a held record is expected, and the same --data-dir or --config; what is held before it is de-identified: fiona request waiting',
      exitCode: ExitCode.badInput,
    })
  }

  /**
   * All that wait, oldest first; of one project or all. A hostile folder is told of, and not followed; so is one that cannot be read.
   * @throws FionaError E_REVIEW when it cannot be told which projects there are
   */
  async list(project?: string): Promise<Waiting[]> {
    const projects = project === undefined ? await this.#projects() : [projectFolder(project)]
    const found: Waiting[] = []
    for (const name of projects) found.push(...(await this.#listOf(name)))
    const since = (each: Waiting) => (each.problem === undefined ? each.study.time : '')
    return found.sort((a, b) => (since(a) < since(b) ? -1 : 1))
  }

  /** What was made of a study, and where it lies. */
  async sizeOf({
    project,
    requestId,
  }: HeldStudy): Promise<{ folder: string; objects: number; bytes: number }> {
    const folder = join(this.#folder(projectFolder(project), requestId), 'objects')
    const sizes = await Promise.all((await objectsIn(folder)).map(({ path }) => stat(path)))
    return { folder, objects: sizes.length, bytes: sizes.reduce((sum, { size }) => sum + size, 0) }
  }

  async #listOf(project: string): Promise<Waiting[]> {
    const directory = inside(this.#dataDir, project, 'review')
    const found: Waiting[] = []
    try {
      for (const folder of await namesIn(directory, ['ENOENT', 'ENOTDIR'])) {
        const waiting = await this.#lookInto(project, folder)
        if (waiting !== undefined) found.push(waiting)
      }
    } catch (error) {
      found.push({ folder: directory, problem: unreadable(directory, error).message })
    }
    return found
  }

  async #lookInto(project: string, name: string): Promise<Waiting | undefined> {
    const folder = inside(this.#dataDir, project, 'review', name)
    try {
      const study = await this.#readIn(project, folder)
      return study === undefined ? undefined : { study, ...(await this.sizeOf(study)) }
    } catch (error) {
      return { folder, problem: lastWordsOf(error).split('\n')[0] ?? '' }
    }
  }

  folderOf({ project, requestId }: HeldStudy): string {
    return this.#folder(projectFolder(project), requestId)
  }

  /** A later revision went out whole: nobody needs to decide about the earlier one. */
  async supersede(project: string, requestId: string, revision: number): Promise<void> {
    const study = await this.#read(projectFolder(project), requestId)
    if (study?.requestId === requestId) await this.decide(study, 'superseded', { revision })
  }

  /**
   * The decision takes the place of held.json, then what was made is removed; unless a later revision was held meanwhile, which nobody
   * has decided about.
   */
  async decide(
    study: HeldStudy,
    decision: DecisionKind,
    facts: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const folder = this.folderOf(study)
    const text = { ...study, [decision]: { time: nowIso(), ...whoRuns(), ...facts } }
    await writeDecision(folder, decision, text)
    const now = await this.#read(projectFolder(study.project), study.requestId)
    if (now?.time !== study.time) return
    await rm(join(folder, 'held.json'), { force: true })
    await removeObjects(folder)
  }

  /** What is in a folder of this name, whoever it is of. What it names decides what is read and where it goes. */
  async #read(folderName: string, requestId: string): Promise<HeldStudy | undefined> {
    return this.#readIn(folderName, this.#folder(folderName, requestId))
  }

  async #readIn(folderName: string, folder: string): Promise<HeldStudy | undefined> {
    const text = await readTrusted(folder, 'held.json', this.#dataDir)
    if (text === undefined) return undefined
    const study = parseHeldStudy(text)
    if (study !== undefined && projectFolder(study.project) === folderName) return study
    throw new FionaError('E_REVIEW', `${join(folder, 'held.json')} is not what was written there`, {
      hint: 'move the folder away and replay the record of its study',
      exitCode: ExitCode.badInput,
    })
  }

  #folder(folderName: string, requestId: string): string {
    return inside(this.#dataDir, folderName, 'review', safeComponent(requestId))
  }

  async #projects(): Promise<string[]> {
    const entries = await readdir(this.#dataDir, { withFileTypes: true }).catch(
      (error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
        throw unreadable(this.#dataDir, error)
      },
    )
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  }
}

function decidedBefore(requestId: string, past: string): FionaError {
  const name = JSON.stringify(requestId)
  return new FionaError('E_NOT_HELD', `nothing is held under ${name} any more: ${past}`, {
    hint: 'a study that was dropped is made again when its record is replayed, and held again',
    exitCode: ExitCode.badInput,
  })
}

/** Nobody is to believe that nothing is held. */
function unreadable(directory: string, error: unknown): FionaError {
  const { code = '' } = error as NodeJS.ErrnoException
  return new FionaError('E_REVIEW', `${directory} cannot be read: ${code}`, {
    hint: 'run it as the user of the chain',
    exitCode: ExitCode.notAllowed,
    cause: error,
  })
}

function sameFolder(): FionaError {
  return new FionaError('E_REVIEW', 'another study is held where this one would be', {
    hint: 'give requests short requestIds of letters and digits, then replay the record',
    exitCode: ExitCode.badInput,
  })
}

async function writeDecision(folder: string, name: string, value: unknown): Promise<void> {
  const text = `${JSON.stringify(value, null, 2)}\n`
  await writeFileAtomic(join(folder, `${name}.json`), text, { mode: 0o600 })
}

async function removeObjects(folder: string): Promise<void> {
  // Renamed first: an earlier attempt's objects are never beside a later one's.
  const aside = join(folder, `.old-${randomBytes(4).toString('hex')}`)
  await rename(join(folder, 'objects'), aside).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  })
  await rm(aside, { recursive: true, force: true })
}
