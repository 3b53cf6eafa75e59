import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { inProject } from '../fixtures/peers.ts'

/**
 * What systemd makes of a unit and its drop-ins (systemd.unit(5)): first the unit's own file, then all drop-ins in
 * the order of their file names, whichever folder they are in. Of a setting the last value holds; those that are lists
 * add up, and an empty value begins them anew.
 */
export type Settings = ReadonlyMap<string, readonly string[]>

export interface UnitFile {
  /** 0: of the unit itself; the greater, the more units it is for. */
  readonly breadth: number
  readonly path: string
  readonly assignments: readonly (readonly [key: string, value: string])[]
}

/** Of those that the units use. */
const lists = new Set([
  'After',
  'Documentation',
  'PartOf',
  'WantedBy',
  'Wants',
  'AmbientCapabilities',
  'CapabilityBoundingSet',
  'Environment',
  'ExecStart',
  'InaccessiblePaths',
  'LoadCredential',
  'LogExtraFields',
  'NoExecPaths',
  'ReadOnlyPaths',
  'ReadWritePaths',
  'RestartPreventExitStatus',
  'RestrictAddressFamilies',
  'SystemCallFilter',
])

/** @param unit without its ending, `fiona-stage@organize` */
export function filesOf(unit: string, units = inProject('systemd')): readonly UnitFile[] {
  const template = unit.replace(/@.*/, '@')
  const own = existsSync(join(units, `${unit}.service`)) ? unit : template
  // fiona-a-b.service is also meant by fiona-a-.service.d and by fiona-.service.d.
  const words = unit.replace(/@.*/, '').split('-')
  const prefixes = words.slice(1).map((_, index) => `${words.slice(0, -1 - index).join('-')}-`)
  const dropIns = [[...new Set([unit, template])], ...prefixes.map((prefix) => [prefix])]
    .flatMap((names, breadth) => names.map((name) => ({ folder: `${name}.service.d`, breadth })))
    .filter(({ folder }) => existsSync(join(units, folder)))
    .flatMap(({ folder, breadth }) =>
      readdirSync(join(units, folder)).map((name) => ({
        name,
        breadth,
        path: `${folder}/${name}`,
      })),
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  // A site's own unit has no file here; what it gets from the drop-ins can be asked all the same.
  const itself = existsSync(join(units, `${own}.service`))
    ? [{ breadth: 0, path: `${own}.service` }]
    : []
  return [...itself, ...dropIns].map(({ breadth, path }) => ({
    breadth,
    path,
    assignments: assignmentsOf(readFileSync(join(units, path), 'utf8')),
  }))
}

export function effectiveSettings(files: readonly UnitFile[]): Settings {
  const settings = new Map<string, readonly string[]>()
  for (const [key, value] of files.flatMap((file) => file.assignments)) {
    if (!lists.has(key)) settings.set(key, [value])
    else if (value === '') settings.set(key, [])
    else settings.set(key, [...(settings.get(key) ?? []), ...value.split(/\s+/)])
  }
  return settings
}

/**
 * Settings of a file for few units that one for more units takes away or adds to, because it is read later: each with
 * what was meant and what holds.
 */
export function overruled(files: readonly UnitFile[]): readonly string[] {
  const all = effectiveSettings(files)
  return files.flatMap((file) => {
    const narrow = effectiveSettings(files.filter(({ breadth }) => breadth <= file.breadth))
    return [...new Set(file.assignments.map(([key]) => key))]
      .filter((key) => narrow.get(key)?.join(' ') !== all.get(key)?.join(' '))
      .map((key) => {
        const [meant, holds] = [narrow, all].map((one) => one.get(key)?.join(' ') ?? '')
        return `${file.path}: ${key}=${meant ?? ''}, but ${holds ?? ''} holds`
      })
  })
}

/** No key stands in two sections with two meanings, so sections do not matter here. */
function assignmentsOf(text: string): UnitFile['assignments'] {
  return text
    .split('\n')
    .filter((line) => /^\w+=/.test(line))
    .map((line) => {
      const at = line.indexOf('=')
      return [line.slice(0, at), line.slice(at + 1).trim()] as const
    })
}
