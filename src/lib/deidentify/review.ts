import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, readdir, rename, rm } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'
import { type AnyRecord, nowIso } from '../record/index.ts'
import {
  inside,
  makeDirectories,
  projectFolder,
  safeComponent,
  writeFileAtomic,
} from '../storage/index.ts'
import type { Held } from './deidentify-study.ts'
import type { StagedStudy } from './outbox.ts'
import type { Reason } from './reasons.ts'

/** Why a study waits, and all that is needed to make it again. It names the patient: mode 0600. */
export interface HeldStudy {
  readonly v: 1
  readonly time: string
  /** Who ran the tool that held it. */
  readonly user: string
  readonly requestId: string
  readonly project: string
  readonly participant: string
  readonly event?: string
  readonly outbox: string
  readonly reasons: readonly Reason[]
  readonly details: Held['details']
  /** The input, as it came. */
  readonly record: AnyRecord
}

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
    const folder = this.#folder(study.project, study.requestId)
    await makeDirectories(folder, { mode: 0o700 })
    const text = { v: 1, time: nowIso(), user: currentUser(), ...study } satisfies HeldStudy
    await writeDecision(folder, 'held', text)
    await removeObjects(folder)
    await staged.moveTo(join(folder, 'objects'))
  }

  /** @throws FionaError E_NOT_HELD when nothing is held under that name */
  async find(requestId: string, project?: string): Promise<HeldStudy> {
    const folders = project === undefined ? await this.#projects() : [projectFolder(project)]
    for (const name of folders) {
      const path = join(this.#folderIn(name, requestId), 'held.json')
      const text = await readFile(path, 'utf8').catch(() => undefined)
      if (text !== undefined) return JSON.parse(text) as HeldStudy
    }
    throw new FionaError('E_NOT_HELD', `nothing is held under ${JSON.stringify(requestId)}`, {
      hint: 'the requestId of a held record is expected, and the same --data-dir or --config',
      exitCode: ExitCode.badInput,
    })
  }

  /** A later revision went out whole: nobody needs to decide about the earlier one. */
  async supersede(project: string, requestId: string, revision: number): Promise<void> {
    if (!existsSync(join(this.#folder(project, requestId), 'held.json'))) return
    await this.decide(await this.find(requestId, project), 'superseded', { revision })
  }

  /** The decision takes the place of held.json, then what was made is removed. */
  async decide(
    study: HeldStudy,
    decision: 'released' | 'dropped' | 'superseded',
    facts: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const folder = this.#folder(study.project, study.requestId)
    const text = { ...study, [decision]: { time: nowIso(), user: currentUser(), ...facts } }
    await writeDecision(folder, decision, text)
    await rm(join(folder, 'held.json'), { force: true })
    await removeObjects(folder)
  }

  #folder(project: string, requestId: string): string {
    return this.#folderIn(projectFolder(project), requestId)
  }

  #folderIn(projectFolder: string, requestId: string): string {
    return inside(this.#dataDir, projectFolder, 'review', safeComponent(requestId))
  }

  async #projects(): Promise<string[]> {
    const entries = await readdir(this.#dataDir, { withFileTypes: true }).catch(() => [])
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  }
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

function currentUser(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}
