import type { Config } from '../config/index.ts'
import { checkDestinations } from './check-destinations.ts'
import { checkDirectories } from './check-directories.ts'
import { checkDisk } from './check-disk.ts'
import { checkEnabled } from './check-enabled.ts'
import { checkKeys } from './check-keys.ts'
import { checkPorts } from './check-ports.ts'
import { checkRules } from './check-rules.ts'
import { checkTls } from './check-tls.ts'
import { type Finding, thrown } from './finding.ts'

type Check = (config: Config) => Promise<readonly Finding[]>

const checks: Readonly<Record<string, Check>> = {
  rules: checkRules,
  keys: checkKeys,
  directories: checkDirectories,
  disk: checkDisk,
  tls: checkTls,
  ports: checkPorts,
  enabled: checkEnabled,
  destinations: checkDestinations,
}

/** All findings, in the order of the checks; one that fails is a finding, too. */
export async function checkSite(config: Config): Promise<readonly Finding[]> {
  const found = await Promise.all(
    Object.entries(checks).map(async ([what, check]) => {
      try {
        return await check(config)
      } catch (problem) {
        return [thrown(what, problem)]
      }
    }),
  )
  return found.flat()
}
