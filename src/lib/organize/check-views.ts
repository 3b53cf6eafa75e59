import { constants } from 'node:os'
import { resolve } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'
import { Intake } from '../intake/index.ts'
import { projectsIn } from './archive-walk.ts'
import { driftKinds, type Drift, type DriftKind, type Finding } from './drift.ts'
import { ProjectCheck } from './project-check.ts'
import { ProjectViews } from './project-views.ts'

/** Looks between two looks at timers and signals: all of them are synchronous. */
const atOnce = 64

export interface CheckOptions {
  readonly dataDir: string
  /** Of this project only. */
  readonly project?: string | undefined
  readonly views?: ProjectViews | undefined
  readonly signal: AbortSignal
  /** Told of each thing that is not as it should be. */
  readonly found: (drift: Drift) => Promise<void>
  /** Told of each object whose views could not be judged, and why. */
  readonly failed: (path: string, error: unknown) => Promise<void>
  /** Where it counts as it goes, for whoever looks. */
  readonly counts: CheckCounts
}

export type CheckCounts = Record<DriftKind | 'objects' | 'errors', number>

/**
 * What in the views is not as the archive would have it. Nothing is changed. Memory does not depend on the archive.
 * @throws FionaError E_FILE_MISSING where there is neither archive nor view, E_FILE_READ when views cannot be read
 */
export async function checkViews(options: CheckOptions): Promise<void> {
  const { signal, counts, found, failed } = options
  let looks = 0
  for (const finding of findings(options)) {
    if (finding !== undefined && 'error' in finding) {
      counts.errors++
      await failed(finding.path, finding.error)
    } else if (finding !== undefined) {
      counts[finding.drift]++
      await found(finding)
    }
    if (++looks % atOnce === 0) await turn()
    if (signal.aborted) return
  }
}

/** What goes wrong in here has to do with views; what goes wrong in telling of them has not. */
function* findings({
  dataDir: given,
  project,
  counts,
  ...options
}: CheckOptions): Generator<Finding> {
  const dataDir = resolve(given)
  const intake = new Intake({ dataDir, projects: {} })
  const views = options.views ?? new ProjectViews()
  const treesOf = (name: string): string[] => [
    ...['archive', 'raw'],
    ...views.treesOf(name).map(([root]) => root),
  ]
  try {
    for (const one of projectsIn(dataDir, treesOf, project)) {
      yield* new ProjectCheck(dataDir, one, views, intake, counts).findings()
    }
  } catch (error) {
    throw notRead(error)
  }
}

export function noDrift(): CheckCounts {
  const kinds = Object.fromEntries(driftKinds.map((kind) => [kind, 0]))
  return { objects: 0, errors: 0, ...kinds } as CheckCounts
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** No path in the message, it can hold the name of a patient. */
function notRead(error: unknown): unknown {
  if (error instanceof FionaError || !(error instanceof Error)) return error
  const { code = '', syscall = '' } = error as NodeJS.ErrnoException
  if (!Object.hasOwn(constants.errno, code)) return error
  return new FionaError('E_FILE_READ', `the views cannot be read (${code}, ${syscall})`, {
    hint: 'run it as the user that makes them, or check owner, mode and file system',
    retryable: true,
    exitCode: ExitCode.io,
    cause: error,
  })
}
