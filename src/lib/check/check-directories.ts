import { access, constants, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Config } from '../config/index.ts'
import { error, type Finding, ok, warning } from './finding.ts'

/** Where FIONA writes: writable for it, and not for everybody. */
export async function checkDirectories({ dataDir, runDir }: Config): Promise<Finding[]> {
  return Promise.all([look('data directory', dataDir), look('run directory', runDir)])
}

async function look(what: string, path: string): Promise<Finding> {
  const found = await stat(path).catch((problem: unknown) => problem as NodeJS.ErrnoException)
  if (found instanceof Error) {
    if (found.code !== 'ENOENT') {
      return error(what, `${path} cannot be looked at (${String(found.code)})`, owner(path))
    }
    const parent = await existing(dirname(path))
    return (await mayWrite(parent))
      ? ok(what, `${path} is not there yet: the first start makes it`)
      : error(what, `${path} is not there, and ${parent} is not writable`, owner(path))
  }
  if (!found.isDirectory()) return error(what, `${path} is no directory`, 'name a directory')
  if (!(await mayWrite(path))) return error(what, `${path} is not writable`, owner(path))
  if ((found.mode & 0o002) !== 0) {
    return warning(what, `everybody may write into ${path}`, `chmod o-rwx ${path}`)
  }
  if ((found.mode & 0o004) !== 0 && what === 'data directory') {
    return warning(what, `everybody may look into ${path}`, `chmod o-rwx ${path}`)
  }
  return ok(what, path)
}

function owner(path: string): string {
  return `make it, and chown it to the user FIONA runs as: ${path}`
}

async function existing(path: string): Promise<string> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  )
  return isThere || path === dirname(path) ? path : existing(dirname(path))
}

async function mayWrite(path: string): Promise<boolean> {
  return access(path, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  )
}
