import { existsSync } from 'node:fs'
import type { Config } from '../config/index.ts'
import { openUnits, type UnitPlaces, usualPlaces } from '../control/index.ts'
import { type Finding, ok, warning } from './finding.ts'

/**
 * Under systemd a service is kept from what is none of its business, project by project, in drop-ins that fiona-ctl writes. Of a
 * project that is new in the configuration they say nothing yet.
 */
export async function checkUnits(
  { projects, dataDir }: Pick<Config, 'projects' | 'dataDir'>,
  places: UnitPlaces = usualPlaces,
  running = '/run/systemd/system',
): Promise<Finding[]> {
  // Units name their data directory, and whoever uses another does not run them.
  if (!existsSync(running) || dataDir !== places.data) return []
  const open = await openUnits(Object.keys(projects), places)
  const units = open.filter(({ folders }) => folders.length > 0).map(({ unit }) => unit)
  if (units.length === 0) return [ok('units', 'each is kept from all projects as it should be')]
  const folders = [...new Set(open.flatMap((one) => one.folders))].sort()
  const what = folders.map((folder) => JSON.stringify(folder)).join(', ')
  return [
    warning(
      'units',
      `systemd does not close ${what} in ${dataDir} to services as it does "default": ${units.join(', ')}`,
      'fiona-ctl restart, as root: it writes 60-projects.conf beside them; systemctl restart alone does not',
    ),
  ]
}
