import { constants } from 'node:os'
import { ExitCode, FionaError } from '../error/index.ts'
import { Intake } from '../intake/index.ts'
import { walkArchives, type Archived } from './archive-walk.ts'
import { describeArchived } from './archived-object.ts'
import { Organizer } from './organizer.ts'
import type { ProjectViews } from './project-views.ts'

/** Objects between two looks at timers and signals: all work on links is synchronous. */
const atOnce = 64

export interface RebuildOptions {
  readonly dataDir: string
  /** Of this project only. */
  readonly project?: string | undefined
  readonly views?: ProjectViews | undefined
  readonly signal: AbortSignal
  /** Told of each object of which no view was made, and why. */
  readonly failed: (path: string, error: FionaError) => Promise<void>
  /** Where it counts as it goes, for whoever looks. */
  readonly counts: RebuildCounts
}

export interface RebuildCounts {
  objects: number
  errors: number
  /** What lies in the archive and is no object of it. */
  foreign: number
}

/**
 * The views of everything in the archive, made again; what is right stays as it is. Safe beside a running chain: links
 * are made in one step, and a series JSON takes in what another process wrote. Memory does not depend on the archive.
 * @throws FionaError E_FILE_MISSING without an archive, E_DISK_FULL and E_ARCHIVE_WRITE when nothing can be written
 */
export async function rebuildViews(options: RebuildOptions): Promise<void> {
  const { dataDir, project, views, signal, counts } = options
  const intake = new Intake({ dataDir, projects: {} })
  const organizer = new Organizer(dataDir, { views, mends: true })
  try {
    for (const archived of walked(dataDir, project)) {
      if (signal.aborted) break
      if (archived.kind === 'foreign') {
        counts.foreign++
        continue
      }
      const error = await organize(organizer, intake, archived)
      if (error === undefined) counts.objects++
      else {
        counts.errors++
        await options.failed(archived.path, error)
      }
      if ((counts.objects + counts.errors) % atOnce === 0) await turn()
    }
  } finally {
    await organizer.end().catch((error: unknown) => {
      throw notWritten(error)
    })
  }
}

/** @returns what is wrong with this object, or its place in the views; the next may be well */
async function organize(
  organizer: Organizer,
  intake: Intake,
  archived: Archived,
): Promise<FionaError | undefined> {
  try {
    await organizer.record({ ...describeArchived(intake, archived) })
    return undefined
  } catch (error) {
    if (error instanceof FionaError) return error
    throw notWritten(error)
  }
}

/** What goes wrong in here has to do with the disk; what goes wrong in telling of it has not. */
function* walked(dataDir: string, project: string | undefined): Generator<Archived> {
  try {
    yield* walkArchives(dataDir, project)
  } catch (error) {
    throw notWritten(error)
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** What the errno of a failed call means for the whole run; no path, it can hold the name of a patient. */
export function notWritten(error: unknown): unknown {
  if (error instanceof FionaError || !(error instanceof Error)) return error
  const { code = '', syscall = '' } = error as NodeJS.ErrnoException
  if (!Object.hasOwn(constants.errno, code)) return error
  const isFull = ['ENOSPC', 'EDQUOT'].includes(code)
  const message = `the views cannot be written (${code}, ${syscall})`
  return new FionaError(isFull ? 'E_DISK_FULL' : 'E_ARCHIVE_WRITE', message, {
    hint: `${isFull ? 'free space in' : 'check owner, mode and file system of'} the data directory, then run it again`,
    retryable: true,
    exitCode: isFull ? ExitCode.cannotCreate : ExitCode.io,
    cause: error,
  })
}
