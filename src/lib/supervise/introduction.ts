import { join, relative } from 'node:path'
import type { Config } from '../config/index.ts'
import { deliveredFolder, deliveredTo } from './embedded-delivery.ts'
import type { Site } from './prepare-site.ts'

/** A few lines for whoever started the chain: where to send a study, and where to look. */
export function introduction(config: Config, site: Site): string[] {
  const { aeTitle, port } = config.receiver
  const { mpps } = config
  const door = site.frontDoors.find(({ journal }) => journal === 'received')
  const tree = join(config.dataDir, config.intake.default)
  const delivered = deliveredFolder(config)
  const destination = delivered === undefined ? deliveredTo(config).join(', ') : shown(delivered)
  return [
    `Send a study to AE title ${aeTitle}, port ${port}${door === undefined ? '' : `, or: echo FILE > ${shown(door.path)}`}`,
    ...(mpps === undefined ? [] : [`Modalities report their steps (MPPS) on port ${mpps.port}`]),
    `Look at what came in ${shown(join(tree, 'participants'))}, or: FIONA_CONFIG=${shown(site.configPath)} bin/fiona-journal cat received`,
    `De-identified it goes to ${destination}; what a person must see first lies in ${shown(join(tree, 'review'))}`,
  ]
}

/** As somebody would type it here. */
function shown(path: string): string {
  const way = relative(process.cwd(), path)
  return way === '' || way.startsWith('..') ? path : way
}
