import type { Config } from '../config/index.ts'
import type { Requester } from './waiting-requests.ts'

/**
 * Which requests that an earlier run left a process with one door reports: two that report the same would
 * tell the peer twice. What came in by a door that is no longer configured falls to the common one.
 * @param door `default`, a project, or undefined where one process has all doors
 */
export function isAskedAt(
  door: string | undefined,
  { projects }: Pick<Config, 'projects'>,
): (request: Requester) => boolean {
  if (door === undefined) return () => true
  return ({ project }) => {
    const hasDoor = project !== undefined && projects[project]?.receiver !== undefined
    return (hasDoor ? project : 'default') === door
  }
}
