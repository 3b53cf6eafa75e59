import { access, constants, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Config } from '../config/index.ts'
import { error, type Finding, ok, warning } from './finding.ts'

/** Where FIONA writes: writable for it, and not for everybody. */
export async function checkDirectories({ dataDir, runDir }: Config): Promise<Finding[]> {
  const data = await look('data directory', dataDir)
  // What lies within it is at fault when it is.
  const isWithin = runDir.startsWith(`${dataDir}/`)
  if (data.level === 'error' && isWithin) return [data]
  return [data, await look('run directory', runDir)]
}

async function look(what: string, path: string): Promise<Finding> {
  const found = await stat(path).catch((problem: unknown) => problem as NodeJS.ErrnoException)
  if (found instanceof Error) {
    if (found.code !== 'ENOENT') {
      return error(what, `${path} cannot be looked at (${String(found.code)})`, owner(path))
    }
    const parent = await existing(dirname(path))
    return (await whyNotWrite(parent)) === undefined
      ? ok(what, `${path} is not there yet: the first start makes it`)
      : error(what, `${path} is not there, and ${parent} is not writable`, owner(path))
  }
  if (!found.isDirectory()) return error(what, `${path} is no directory`, 'name a directory')
  const refused = await whyNotWrite(path)
  if (refused === 'EROFS') {
    const hint =
      'mount it for writing; after an error of the disk the kernel may have done that: dmesg'
    return error(what, `${path} is on a read-only file system`, hint)
  }
  if (refused !== undefined) return error(what, `${path} is not writable`, owner(path))
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

/** @returns undefined where it may */
async function whyNotWrite(path: string): Promise<string | undefined> {
  return access(path, constants.W_OK | constants.X_OK).then(
    () => undefined,
    (problem: unknown) => String((problem as NodeJS.ErrnoException).code),
  )
}
