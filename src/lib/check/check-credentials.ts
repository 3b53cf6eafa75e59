import { access, constants } from 'node:fs/promises'
import type { Config } from '../config/index.ts'
import { about, error, type Finding, ok } from './finding.ts'

const secrets = ['tokenFile', 'privateKeyFile', 'knownHostsFile', 'credentialsFile'] as const

/** Files that are named in the configuration, and that nothing else of this check reads. */
export async function checkCredentials({ destinations }: Config): Promise<Finding[]> {
  const named = Object.entries(destinations).flatMap(([name, destination]) =>
    secrets.map((key) => ({ keys: ['destinations', name, key], path: destination[key] })),
  )
  const found = await Promise.all(
    named.map(async ({ keys, path }) => {
      if (path === undefined) return undefined
      const what = keys.join('.')
      try {
        await access(path, constants.R_OK)
        return ok(what, path)
      } catch (problem) {
        const code = String((problem as NodeJS.ErrnoException).code)
        const hint = 'put it there, readable for the user FIONA runs as, and for nobody else'
        return about(error(what, `${path} cannot be read (${code})`, hint), ...keys)
      }
    }),
  )
  return found.filter((finding) => finding !== undefined)
}
