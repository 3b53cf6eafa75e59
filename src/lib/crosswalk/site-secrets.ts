import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/index.ts'
import { missingKey, readKeyFile } from './key-file.ts'

/** The keys of a site, and where its crosswalk lies. */
export interface SiteSecrets {
  readonly keyOf: (project: string) => Buffer
  /** All of them; the first one seals the crosswalk. */
  readonly keys: readonly [Buffer, ...Buffer[]]
  readonly crosswalkPath: string
}

/**
 * Reads every key file that is configured, so that a mistake in one is told before anything is done.
 * @param given a key file in place of the configured ones. The crosswalk stays sealed with the site's own, which
 *   everybody else opens it with.
 * @throws FionaError E_KEY_MISSING, E_KEY_MODE, E_KEY_INVALID
 */
export async function readSecrets(
  { deidentification, projects }: Pick<Config, 'deidentification' | 'projects'>,
  dataDir: string,
  given: string | undefined,
): Promise<SiteSecrets> {
  const siteFile = deidentification.keyFile ?? madeAtStart(dataDir)
  const [site, own] = await Promise.all([siteFile, given].map(readIfGiven))
  const main = own ?? site
  if (main === undefined) throw missingKey()
  const ofProjects = new Map<string, Buffer>()
  for (const [name, { deidentify }] of Object.entries(projects)) {
    if (deidentify?.keyFile !== undefined)
      ofProjects.set(name, await readKeyFile(deidentify.keyFile))
  }
  const others = [main, ...ofProjects.values()]
  return {
    keyOf: (project) => own ?? ofProjects.get(project) ?? main,
    keys: [site ?? main, ...others],
    crosswalkPath: deidentification.crosswalk ?? join(dataDir, 'crosswalk.ndjson'),
  }
}

async function readIfGiven(path: string | undefined): Promise<Buffer | undefined> {
  return path === undefined ? undefined : readKeyFile(path)
}

/** Where `fiona up` makes one for a site that has none configured. */
function madeAtStart(dataDir: string): string | undefined {
  const path = join(dataDir, 'keys', 'pseudonym.key')
  return existsSync(path) ? path : undefined
}
