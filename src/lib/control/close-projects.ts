import { existsSync } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  makeDirectories,
  projectFolder,
  projectOfFolder,
  readIfThere,
  writeFileAtomic,
} from '../storage/index.ts'

export interface UnitPlaces {
  /** Where the units of the package are. */
  readonly units: string
  /** Where those of this machine are, and drop-ins. */
  readonly own: string
  readonly data: string
}

export const usualPlaces: UnitPlaces = {
  units: '/usr/lib/systemd/system',
  own: '/etc/systemd/system',
  data: '/var/lib/fiona',
}

/** Read behind all of ours (20-, 30-), and before what `systemctl edit` writes (override.conf). */
const dropIn = '60-projects.conf'
const above = `# Written by fiona-ctl for the projects of the configuration, and those whose data is still there. It writes it anew.
[Service]
`
const settings = /^(?:InaccessiblePaths|ReadOnlyPaths|ReadWritePaths)=/
/** Folders that a project has and nothing else. */
const ofProjects = ['archive', 'outbox', 'raw', 'returned', 'review']

/**
 * systemd knows no patterns for paths: what units close of the project `default` is closed of each other one by a line of its own. So
 * whatever our units say of `default`, a drop-in beside them says of all others.
 * @param projects of the configuration; what once was one, and has its data here, is closed, too
 * @returns whether anything was written: systemd is to be told then
 */
export async function closeProjects(
  projects: readonly string[],
  { units, own, data }: UnitPlaces = usualPlaces,
): Promise<boolean> {
  const folders = [...new Set([...projects.map(projectFolder), ...(await foldersIn(data))])]
    .filter((folder) => folder !== 'default')
    .sort()
  let isChanged = false
  for (const [unit, lines] of await linesOfDefault(units)) {
    const path = join(own, `${unit}.d`, dropIn)
    const text = `${above}${folders.map((folder) => linesOf(folder, lines)).join('')}`
    const before = await readIfThere(path)
    if (before === text || (before === undefined && folders.length === 0)) continue
    await makeDirectories(dirname(path), { mode: 0o755 })
    await writeFileAtomic(path, text, { mode: 0o644 })
    isChanged = true
  }
  return isChanged
}

/** By unit: what it says of the project `default`, and nothing else. */
async function linesOfDefault(units: string): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  const names: readonly string[] = await readdir(units, { recursive: true }).catch(() => [])
  for (const name of [...names].sort()) {
    const [, unit] = /^(fiona-[^/]*\.service)(?:\.d\/[^/]*\.conf)?$/.exec(name) ?? []
    if (unit === undefined || name.endsWith('.d')) continue
    const text = await readFile(join(units, name), 'utf8')
    for (const line of text.split('\n').filter((one) => settings.test(one))) {
      const [key = '', value = ''] = line.split(/=(.*)/s)
      const paths = value.split(/\s+/).filter((path) => isDefault.test(path))
      if (paths.length === 0) continue
      found.set(unit, [...(found.get(unit) ?? []), `${key}=${paths.join(' ')}`])
    }
  }
  return found
}

const isDefault = /^-?\/var\/lib\/fiona\/default(?=\/|$)/

function linesOf(folder: string, lines: readonly string[]): string {
  // A percent sign means something to systemd, and blanks part its words.
  const escaped = folder.replaceAll('%', '%%')
  const of = (path: string): string => {
    const own = path.replace(/\/default(?=\/|$)/, () => `/${escaped}`)
    return own.includes(' ') ? `"${own}"` : own
  }
  return lines
    .map((line) => {
      const [key = '', value = ''] = line.split(/=(.*)/s)
      return `${key}=${value.split(' ').map(of).join(' ')}\n`
    })
    .join('')
}

async function foldersIn(data: string): Promise<string[]> {
  const entries = await readdir(data, { withFileTypes: true }).catch(() => [])
  return entries
    .filter((one) => one.isDirectory() && projectOfFolder(one.name) !== undefined)
    .map(({ name }) => name)
    .filter((name) => ofProjects.some((folder) => existsSync(join(data, name, folder))))
}
