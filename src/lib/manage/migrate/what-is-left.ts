import { keysLeftBehind, unknownKey, type LeftBehind } from './keys-left-behind.ts'

export interface Left extends LeftBehind {
  /** As it stands in config.json, with dots where it lies deeper. */
  readonly key: string
}

type Keys = Readonly<Record<string, unknown>>

const carried = new Set(['DATADIR', 'DICOMAETITLE', 'DICOMPORT', 'MPPSPORT', 'SITES'])

/** Every key that has a value and no place in fiona.yaml; never the value, which may be a secret. */
export function whatIsLeft(original: Keys): Left[] {
  const sites = Object.entries((original['SITES'] ?? {}) as Record<string, Keys>)
  return [
    ...keysWithValue(original)
      .filter((key) => !carried.has(key))
      .map((key) => ({ key, ...reasonFor(key) })),
    ...sites.flatMap(([site, keys]) =>
      keysWithValue(keys).flatMap((key) => {
        const reason = ofSite(site, keys, key)
        return reason === undefined ? [] : [{ key: `SITES.${site}.${key}`, ...reason }]
      }),
    ),
  ]
}

function ofSite(site: string, keys: Keys, key: string): LeftBehind | undefined {
  switch (key) {
    case 'DICOMPORT':
      return undefined
    case 'DICOMAETITLE':
      return hasValue(keys['DICOMPORT']) ? undefined : withoutDoor(site)
    case 'DATADIR':
      return {
        why: 'each project has its tree in dataDir, in a folder of its name',
        instead: 'what lies in the old one can be imported: see above',
      }
    case 'MPPSPORT':
      return {
        why: 'one door takes the steps of all projects',
        instead: 'let the modalities of this project report to the port of mpps',
      }
    default:
      return reasonFor(key)
  }
}

function withoutDoor(site: string): LeftBehind {
  return {
    why: 'without DICOMPORT the project has no door of its own',
    instead: `if senders call it by this name: projects.${site}.match: { calledAET: '^NAME$' }`,
  }
}

function reasonFor(key: string): LeftBehind {
  return Object.hasOwn(keysLeftBehind, key) ? (keysLeftBehind[key] ?? unknownKey) : unknownKey
}

function keysWithValue(keys: Keys): string[] {
  return Object.keys(keys).filter((key) => hasValue(keys[key]))
}

function hasValue(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}
