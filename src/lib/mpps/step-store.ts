import { readFile, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'
import { createExclusively, inside, makeDirectories, writeFileAtomic } from '../storage/index.ts'
import { type Uid, isUid, parseUid } from '../uid/index.ts'
import type { Step } from './step.ts'

const format = { format: 'fiona-mpps step', version: 1 }
/** Twice the largest message; a peer that goes on adding attributes must not fill memory. */
const longestText = 32 << 20

/** What a killed process left half-written is certainly nobody's any more when it is this old. */
const staleMs = 3600 * 1000

/** A step as its file will have it. */
export interface StepFile {
  readonly MPPSInstanceUID: Uid
  readonly text: string
}

/**
 * Steps on disk, one file each: `<dataDir>/mpps/<MPPSInstanceUID>.json`. A file is the old one or the new
 * one, whole, whenever somebody looks. Its name is a UID, digits and single dots, and nothing else.
 */
export class StepStore {
  readonly directory: string

  constructor(dataDir: string) {
    this.directory = inside(dataDir, 'mpps')
  }

  /**
   * Finds out at the start whether steps can be kept here, and removes what killed processes left.
   * @throws FionaError E_ARCHIVE_WRITE (exit 73)
   */
  async prepare(): Promise<void> {
    try {
      await makeDirectories(this.directory)
      await this.#removeLeftovers()
    } catch (error) {
      const code = String((error as NodeJS.ErrnoException).code)
      throw new FionaError(
        'E_ARCHIVE_WRITE',
        `nothing can be kept in ${this.directory} (${code})`,
        {
          hint: 'give this user a data directory to write in: --data-dir, or dataDir of the configuration',
          exitCode: ExitCode.cannotCreate,
          cause: error,
        },
      )
    }
  }

  /** @throws FionaError E_STATE_FORMAT; errors of the file system */
  async read(MPPSInstanceUID: Uid): Promise<Step | undefined> {
    const path = this.#pathOf(MPPSInstanceUID)
    let text: string
    try {
      text = await readFile(path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
    return parseStep(text, path)
  }

  /** @throws FionaError E_DICOM_LIMIT when it has grown beyond any real one */
  encode(step: Step): StepFile {
    const text = `${JSON.stringify({ ...format, ...step })}\n`
    if (text.length <= longestText) return { MPPSInstanceUID: step.MPPSInstanceUID, text }
    throw new FionaError('E_DICOM_LIMIT', 'a step has more attributes than any real one', {
      hint: 'look at what the modality sends; the change was refused',
      exitCode: ExitCode.badInput,
    })
  }

  /**
   * A step that must not be there yet; of several that try, one wins.
   * @returns false when it is there
   */
  async create(file: StepFile): Promise<boolean> {
    await makeDirectories(this.directory)
    return createExclusively(this.#pathOf(file.MPPSInstanceUID), file.text, { durable: true })
  }

  /** @param options.durable false where a power loss may bring the old one back */
  async replace(file: StepFile, options: { readonly durable?: boolean } = {}): Promise<void> {
    await makeDirectories(this.directory)
    await writeFileAtomic(this.#pathOf(file.MPPSInstanceUID), file.text, options)
  }

  async #removeLeftovers(): Promise<void> {
    const names = await readdir(this.directory)
    for (const name of names.filter((each) => each.startsWith('.') && each.endsWith('.tmp'))) {
      const path = join(this.directory, name)
      const found = await stat(path).catch(() => undefined)
      if (found !== undefined && found.mtimeMs < Date.now() - staleMs)
        await rm(path, { force: true })
    }
  }

  #pathOf(MPPSInstanceUID: Uid): string {
    return inside(this.directory, `${parseUid(MPPSInstanceUID, 'MPPSInstanceUID')}.json`)
  }
}

function parseStep(text: string, path: string): Step {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw damaged(path, error)
  }
  const found = value as Partial<Step & typeof format> | null
  const isStep =
    found?.format === format.format &&
    found.version === format.version &&
    isUid(found.MPPSInstanceUID) &&
    typeof found.dataSet === 'object'
  if (!isStep) throw damaged(path)
  const { MPPSInstanceUID, created, changed, source, heard, dataSet } = found as Step
  return { MPPSInstanceUID, created, changed, source, heard, dataSet }
}

function damaged(path: string, cause?: unknown): FionaError {
  return new FionaError('E_STATE_FORMAT', `${path} is not a step this version can read`, {
    hint: 'was it written by a newer fiona-mpps? Else move it away; nothing was changed',
    exitCode: ExitCode.badInput,
    cause,
  })
}
