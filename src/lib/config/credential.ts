import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

const folder = (): string | undefined => process.env['CREDENTIALS_DIRECTORY'] || undefined

/**
 * Where a secret is read. A unit of systemd may be the only one that is handed a file which no service
 * account can read (LoadCredential=NAME:PATH). When it is named as the configured file, that one is taken:
 * so one configuration is right with systemd and without.
 */
export function credentialOr(path: string): string {
  const credentials = folder()
  if (credentials === undefined) return path
  const name = basename(path)
  // Of a folder that is handed over as a whole (LoadCredential=redcap:/etc/fiona/redcap) each file has its name before its own.
  const handed = [name, `${basename(dirname(path))}_${name}`].map((one) => join(credentials, one))
  return handed.find((one) => existsSync(one)) ?? path
}

/**
 * True for a file that systemd guards: it belongs to root, in a folder that only this unit can open, and an
 * access list lets the unit read it. The list shows as a mode for the group, which says nothing there.
 */
function isCredential(path: string): boolean {
  return dirname(path) === folder()
}

/** Whether others than its owner may do anything with the file of a secret. @param mode of stat(2) */
export function isOpenToOthers(path: string, mode: number): boolean {
  return (mode & 0o077) !== 0 && !isCredential(path)
}
