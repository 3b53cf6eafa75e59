import type { Config } from '../config/index.ts'
import { readDestination } from '../deliver/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'

/**
 * What fiona-send would find out at the first delivery is told before anything starts, by the function that it
 * reads a destination with.
 * @throws FionaError E_DESTINATION (exit 78) with every destination that it would refuse
 */
export function refuseUnreadable({ destinations, path }: Config): void {
  const mistakes = Object.entries(destinations).flatMap(([name, settings]) => {
    try {
      readDestination(name, settings, `destinations.${name}.url`, ExitCode.badConfig)
      return []
    } catch (error) {
      if (error instanceof FionaError) return [error]
      throw error
    }
  })
  const [first, ...more] = mistakes
  if (first === undefined) return
  const file = path === undefined ? '' : `${path}: `
  throw new FionaError(
    'E_DESTINATION',
    file + [first, ...more].map(({ message }) => message).join('\n  '),
    {
      hint: more.length === 0 ? (first.hint ?? '') : 'fiona-ctl check says of each what to do',
      exitCode: ExitCode.badConfig,
    },
  )
}
