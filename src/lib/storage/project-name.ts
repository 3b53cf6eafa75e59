import { safeComponent } from './safe-path.ts'

/** What FIONA itself, or a file system of its own, keeps beside the projects' trees in a data directory. */
const ownFolders = new Set([
  'commitment',
  'config',
  'crosswalk',
  'crosswalk.ndjson',
  'crosswalk.ndjson.audit',
  'crosswalk.ndjson.before-reseal',
  'crosswalk.ndjson.resealed',
  'crosswalk.sqlite',
  'delivered',
  'disabled.json',
  'enabled',
  'exports',
  'incoming',
  'index',
  'index.sqlite',
  'index.sqlite-shm',
  'index.sqlite-wal',
  'index.sqlite.set-aside',
  'journal',
  'keys',
  'log',
  'lost+found',
  'mpps',
  'quarantine',
  'run',
  'state',
  'tmp',
  'web',
])

/** Some file systems do not tell capitals from small letters. */
function isOwn(component: string): boolean {
  return ownFolders.has(component.toLowerCase())
}

/**
 * The folder of a project below the data directory. A name of any origin gets one: a name that FIONA's own
 * folders have is escaped, as everything is that could mean something to a file system, so that no record
 * can make a clinical archive of the folder of keys, or of what was delivered.
 */
export function projectFolder(project: string): string {
  const component = safeComponent(project)
  return isOwn(component) ? `%${hex(component)}${component.slice(1)}` : component
}

/** What a project may be called by a person: its folder then has the same name. */
export function isProjectName(name: string): boolean {
  return name === projectFolder(name)
}

/** The project whose folder this is; undefined for one of FIONA's own. */
export function projectOfFolder(folder: string): string | undefined {
  if (folder === '' || folder === '..' || isOwn(folder)) return undefined
  try {
    const name = decodeURIComponent(folder)
    return projectFolder(name) === folder ? name : folder
  } catch {
    return folder
  }
}

function hex(text: string): string {
  return text.charCodeAt(0).toString(16).toUpperCase()
}
