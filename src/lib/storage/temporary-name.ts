import { hash, randomUUID } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { livenessOf, ownIdentity, type Place } from './process-identity.ts'

const pattern = /^\.(\d+)-(\d*)-([0-9a-f]{12})-([0-9a-f]{12})-([0-9a-f]{12})\.[0-9a-f-]{36}\.tmp$/
let ownPrefix: string | undefined

/**
 * A name for what is being made in this directory. It tells which process makes it, so that what a killed
 * one left is known for what it is, by the name alone.
 */
export function temporaryPath(directory: string): string {
  return join(directory, `.${(ownPrefix ??= prefix())}.${randomUUID()}.tmp`)
}

/** Only when it is certain; never of another machine. */
export function isTemporaryOfDead(name: string): boolean {
  const found = pattern.exec(name)
  if (found === null) return false
  const [, pid = '', start = '', host = '', boot = '', namespace = ''] = found
  return livenessOf({ pid: Number(pid), start, host, boot, namespace }, shortened) === 'dead'
}

/** What somebody is making now, as far as can be known. */
export function isTemporaryInUse(name: string): boolean {
  return pattern.test(name) && !isTemporaryOfDead(name)
}

/** Removes files that dead processes did not finish; for whoever opens a directory it alone writes into. */
export async function removeDeadTemporaries(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (isTemporaryOfDead(name)) await rm(join(directory, name), { force: true })
  }
}

function prefix(): string {
  const { pid, start, ...place } = ownIdentity()
  const { host, boot, namespace } = shortened(place)
  return `${String(pid)}-${start}-${host}-${boot}-${namespace}`
}

/** Not the names themselves: a destination need not know what our machines are called. */
function shortened({ host, boot, namespace }: Place): Place {
  const short = (text: string): string => hash('sha256', text).slice(0, 12)
  return { host: short(host), boot: short(boot), namespace: short(namespace) }
}
