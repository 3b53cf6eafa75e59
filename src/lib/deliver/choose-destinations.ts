import type { Config } from '../config/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import { aeTitleRule, aeTitleTrouble } from './ae-title.ts'
import { byHand, readDestination, usualCommitment, type Destination } from './destination.ts'

/** What the command line says about destinations; it overrides the configuration. */
export interface DestinationOptions {
  /** A URL, or the name of a destination in the configuration. */
  readonly destination: string | undefined
  readonly callingAet: string | undefined
  readonly verify: 'none' | 'commitment' | 'find' | undefined
  readonly retries: number | undefined
  readonly reportPort?: number | undefined
}

/** Where a record goes. */
export interface Destinations {
  /** Every destination in force. */
  readonly all: readonly Destination[]
  /** @throws FionaError E_NO_DESTINATION */
  of(project: string | undefined): readonly Destination[]
}

/**
 * Reads and checks every destination that a record may be sent to, at start: a mistake is told then,
 * not when the first study of that project comes.
 * @param config undefined when there is none and `destination` is a URL
 * @throws FionaError E_DESTINATION (exit 64 for the command line, 78 for the configuration)
 */
export function chooseDestinations(
  options: DestinationOptions,
  config: Config | undefined,
): Destinations {
  const trouble = options.callingAet === undefined ? undefined : aeTitleTrouble(options.callingAet)
  if (trouble !== undefined) {
    throw new FionaError('E_DESTINATION', `--calling-aet: the calling AE title ${trouble}`, {
      hint: aeTitleRule,
      exitCode: ExitCode.usage,
    })
  }
  const configured = new Map(Object.entries(config?.destinations ?? {}))
  const override = (settings: Config['destinations'][string]): typeof settings => ({
    ...settings,
    ...(options.callingAet === undefined ? {} : { callingAET: options.callingAet }),
    ...(options.verify === undefined ? {} : { verify: options.verify }),
    ...(options.reportPort === undefined
      ? {}
      : {
          commitment: { ...usualCommitment, ...settings.commitment, port: options.reportPort },
        }),
    ...(options.retries === undefined
      ? {}
      : { retry: { ...settings.retry, max: options.retries } }),
  })
  const overrides = options.callingAet ?? options.verify ?? options.retries ?? options.reportPort
  const fromConfig = (name: string, neededBy: string): Destination => {
    const settings = configured.get(name)
    if (settings === undefined) {
      throw new FionaError('E_DESTINATION', `${neededBy} names "${name}", which is not defined`, {
        hint: `write destinations.${name}.url in the configuration`,
        exitCode: ExitCode.badConfig,
      })
    }
    const where = `destinations.${name}`
    const exitCode = overrides === undefined ? ExitCode.badConfig : ExitCode.usage
    return readDestination(name, override(settings), where, exitCode)
  }

  if (options.destination !== undefined) {
    const text = options.destination
    const one = configured.has(text)
      ? fromConfig(text, '--destination')
      : readDestination(text, override({ ...byHand, url: text }), '--destination', ExitCode.usage)
    return { all: [one], of: () => [one] }
  }

  const projects = new Map<string, Destination[]>()
  for (const [project, { destinations, priority }] of Object.entries(config?.projects ?? {})) {
    const neededBy = `projects.${project}.destinations`
    projects.set(
      project,
      [...new Set(destinations)].map((name) => {
        const destination = fromConfig(name, neededBy)
        return { ...destination, priority: priority ?? destination.priority }
      }),
    )
  }
  return {
    all: [...new Map([...projects.values()].flat().map((one) => [one.name, one])).values()],
    of: (project = 'default') => {
      const found = projects.get(project) ?? []
      if (found.length > 0) return found
      throw nowhereToGo(project, fileToWrite(config))
    },
  }
}

/** Where an administrator would write: not into the copy that `fiona up` makes. */
function fileToWrite(config: Config | undefined): string {
  const { path, generatedFrom } = config ?? {}
  if (generatedFrom === null) return 'a configuration file, and start with --config FILE'
  return generatedFrom ?? path ?? 'the configuration'
}

function nowhereToGo(project: string, file: string): FionaError {
  const name = project.slice(0, 100)
  return new FionaError(
    'E_NO_DESTINATION',
    `the project ${JSON.stringify(name)} has no destination`,
    {
      hint: `write projects.${name}.destinations: [NAME] and destinations.NAME.url in ${file}, and replay this record; or give --destination`,
      exitCode: ExitCode.badConfig,
    },
  )
}
