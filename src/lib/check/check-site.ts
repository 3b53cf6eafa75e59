import { type Config, readPlaces } from '../config/index.ts'
import { checkArrival } from './check-arrival.ts'
import { checkClock } from './check-clock.ts'
import { checkCredentials } from './check-credentials.ts'
import { checkDoors } from './check-doors.ts'
import { checkDestinations } from './check-destinations.ts'
import { checkDirectories } from './check-directories.ts'
import { checkDisk } from './check-disk.ts'
import { checkIndex } from './check-index.ts'
import { checkEnabled } from './check-enabled.ts'
import { checkKeys } from './check-keys.ts'
import { checkPorts } from './check-ports.ts'
import { checkRedcap } from './check-redcap.ts'
import { checkRequests } from './check-requests.ts'
import { checkRules } from './check-rules.ts'
import { checkTls } from './check-tls.ts'
import { checkUnits } from './check-units.ts'
import { type Finding, thrown } from './finding.ts'

type Check = (config: Config) => Promise<readonly Finding[]>

const checks: Readonly<Record<string, Check>> = {
  rules: checkRules,
  requests: checkRequests,
  disk: checkDisk,
  arrival: checkArrival,
  index: checkIndex,
  credentials: checkCredentials,
  doors: checkDoors,
  units: checkUnits,
  tls: checkTls,
  destinations: checkDestinations,
  redcap: checkRedcap,
}
/** They look into the data directory: where that is at fault, they would say the same in other words. */
const checksWithin: Readonly<Record<string, Check>> = {
  keys: checkKeys,
  clock: checkClock,
  ports: checkPorts,
  enabled: checkEnabled,
}

/** All findings; a check that fails is a finding, too. */
export async function checkSite(config: Config): Promise<readonly Finding[]> {
  const directories = await checkDirectories(config)
  const isBroken = directories.some(({ level }) => level === 'error')
  const found = await Promise.all(
    Object.entries(isBroken ? checks : { ...checks, ...checksWithin }).map(
      async ([what, check]) => {
        try {
          return await check(config)
        } catch (problem) {
          return [thrown(what, problem)]
        }
      },
    ),
  )
  const places = await readPlaces(config.path)
  return [...directories, ...found.flat()].map(({ keys, ...finding }) => {
    const at = keys === undefined || finding.level === 'ok' ? undefined : places(keys)
    return at === undefined ? finding : { ...finding, at }
  })
}
