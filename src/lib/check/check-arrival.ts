import type { Config } from '../config/index.ts'
import { about, error, type Finding, ok } from './finding.ts'

/** A quiet time beyond the cap never passes: every study would be complete by the cap, in the middle of a scan. */
export async function checkArrival({ arrival, projects }: Config): Promise<Finding[]> {
  const settings = [
    { what: 'arrival', keys: ['arrival'], ...arrival },
    ...Object.entries(projects).map(([name, project]) => ({
      what: `arrival of ${name}`,
      keys: ['projects', name, 'arrival'],
      ...arrival,
      ...project.arrival,
    })),
  ]
  const found = settings
    .filter(({ quietSeconds, maxWaitSeconds }) => quietSeconds > maxWaitSeconds)
    .map(({ what, keys, quietSeconds, maxWaitSeconds }) => {
      const text = `quietSeconds ${String(quietSeconds)} is longer than maxWaitSeconds ${String(maxWaitSeconds)}: studies are cut off while they come in`
      return about(error(what, text, 'lower quietSeconds, or raise maxWaitSeconds'), ...keys)
    })
  return found.length > 0 ? found : [ok('arrival', `quiet time ${String(arrival.quietSeconds)} s`)]
}
