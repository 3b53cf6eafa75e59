import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config/index.ts'
import { readKeyFile } from '../crosswalk/index.ts'
import { FionaError } from '../error/index.ts'
import { about, type Finding, ok, thrown, warning } from './finding.ts'

/** The secret of the pseudonyms: there, long enough, and nobody else's to read. */
export async function checkKeys(config: Config): Promise<Finding[]> {
  const configured = config.deidentification.keyFile
  const path = configured ?? join(config.dataDir, 'keys', 'pseudonym.key')
  try {
    const key = await readKeyFile(path)
    key.fill(0)
    const { uid } = await stat(path)
    const own = process.getuid?.()
    if (own !== undefined && own !== 0 && uid !== own) {
      const hint = `chown it to the user FIONA runs as`
      return [warning('key', `${path} belongs to user ${String(uid)}`, hint)]
    }
    return [ok('key', path)]
  } catch (problem) {
    const isMissing = problem instanceof FionaError && problem.code === 'E_KEY_MISSING'
    if (isMissing && configured === undefined) {
      return [ok('key', `none yet: the first start makes ${path}`)]
    }
    return [about(thrown('key', problem), 'deidentification', 'keyFile')]
  }
}
