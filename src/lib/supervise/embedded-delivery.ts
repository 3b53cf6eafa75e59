import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Config } from '../config/index.ts'

const name = 'delivered'

/**
 * A configuration that names no destination at all delivers into the folder `delivered` of the data
 * directory. One that names some is left as it is: a project without destination is then a mistake
 * that fiona-send reports, not something to guess.
 */
export function withEmbeddedDelivery(config: Config): Config {
  if (Object.keys(config.destinations).length > 0) return config
  const projects = { default: { destinations: [] }, ...config.projects }
  return {
    ...config,
    destinations: {
      [name]: {
        url: pathToFileURL(join(config.dataDir, name)).href,
        callingAET: config.receiver.aeTitle,
        concurrency: 1,
        retry: { max: 12, delaySeconds: 30, multiplier: 2, maxDelaySeconds: 3600 },
        verify: 'none',
        timeoutSeconds: 60,
      },
    },
    projects: Object.fromEntries(
      Object.entries(projects).map(([project, settings]) => [
        project,
        { ...settings, destinations: [name] },
      ]),
    ),
  }
}

/** The folder that studies of the default project are delivered to, if it is one on this machine. */
export function deliveredFolder(config: Config): string | undefined {
  const urls = deliveredTo(config)
  const url = urls.length === 1 ? urls[0] : undefined
  return url?.startsWith('file:') === true ? fileURLToPath(url) : undefined
}

/** Where the default project's studies go. */
export function deliveredTo(config: Config): readonly string[] {
  const names = config.projects[config.intake.default]?.destinations ?? []
  return names.flatMap((each) => config.destinations[each]?.url ?? [])
}
