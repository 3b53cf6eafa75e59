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
  places: UnitPlaces = usualPlaces,
): Promise<boolean> {
  let isChanged = false
  for (const { path, text } of await staleDropIns(projects, places)) {
    await makeDirectories(dirname(path), { mode: 0o755 })
    await writeFileAtomic(path, text, { mode: 0o644 })
    isChanged = true
  }
  return isChanged
}

/** What a unit does not close yet, or closes for nothing. */
export interface OpenUnit {
  readonly unit: string
  /** Folders below the data directory that it is not kept from as it is from that of `default`. */
  readonly folders: readonly string[]
}

/**
 * Where `closeProjects` would write something else than there is: until then these units see what they should not.
 * @returns nothing where our units are not installed; a unit without folders has only too much in its drop-in
 */
export async function openUnits(
  projects: readonly string[],
  places: UnitPlaces = usualPlaces,
): Promise<OpenUnit[]> {
  const stale = await staleDropIns(projects, places)
  return stale.map(({ unit, before = '', folders }) => {
    const there = new Set(before.split('\n'))
    const isOpen = ({ lines }: FolderLines): boolean => lines.some((line) => !there.has(line))
    return { unit, folders: folders.filter(isOpen).map(({ folder }) => folder) }
  })
}

interface FolderLines {
  readonly folder: string
  readonly lines: readonly string[]
}

interface DropIn {
  readonly unit: string
  readonly path: string
  readonly text: string
  /** What is there. */
  readonly before: string | undefined
  readonly folders: readonly FolderLines[]
}

/** Those that are not, or no longer, as they should be. */
async function staleDropIns(
  projects: readonly string[],
  { units, own, data }: UnitPlaces,
): Promise<DropIn[]> {
  const names = [...new Set([...projects.map(projectFolder), ...(await foldersIn(data))])]
    .filter((folder) => folder !== 'default')
    .sort()
  const stale: DropIn[] = []
  for (const [unit, lines] of await linesOfDefault(units)) {
    const folders = names.map((folder) => ({ folder, lines: linesOf(folder, lines) }))
    const path = join(own, `${unit}.d`, dropIn)
    const text = `${above}${folders.flatMap((one) => one.lines.map((line) => `${line}\n`)).join('')}`
    const before = await readIfThere(path)
    if (before === text || (before === undefined && names.length === 0)) continue
    stale.push({ unit, path, text, before, folders })
  }
  return stale
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

function linesOf(folder: string, lines: readonly string[]): string[] {
  // A percent sign means something to systemd, and blanks part its words.
  const escaped = folder.replaceAll('%', '%%')
  const of = (path: string): string => {
    const own = path.replace(/\/default(?=\/|$)/, () => `/${escaped}`)
    return own.includes(' ') ? `"${own}"` : own
  }
  return lines.map((line) => {
    const [key = '', value = ''] = line.split(/=(.*)/s)
    return `${key}=${value.split(' ').map(of).join(' ')}`
  })
}

async function foldersIn(data: string): Promise<string[]> {
  const entries = await readdir(data, { withFileTypes: true }).catch(() => [])
  return entries
    .filter((one) => one.isDirectory() && projectOfFolder(one.name) !== undefined)
    .map(({ name }) => name)
    .filter((name) => ofProjects.some((folder) => existsSync(join(data, name, folder))))
}
