import { hash, randomUUID } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { livenessOf, ownIdentity, type Place } from './process-identity.ts'

const pattern = /^\.(\d+)-(\d*)-([0-9a-f]{12})-([0-9a-f]{12})-([0-9a-f]{12})\.[0-9a-f-]{36}\.tmp$/

/**
 * A name for a file that is being made in this directory. It tells which process makes it, so that what
 * a killed one left is known for what it is: those who look into the directory are others than we.
 */
export function temporaryPath(directory: string): string {
  const { pid, start, ...place } = ownIdentity()
  const { host, boot, namespace } = shortened(place)
  const owner = `${pid}-${start}-${host}-${boot}-${namespace}`
  return join(directory, `.${owner}.${randomUUID()}.tmp`)
}

/** Removes the files of that kind whose process is certainly dead. */
export async function removeDeadTemporaries(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const found = pattern.exec(name)
    if (found === null) continue
    const [, pid = '', start = '', host = '', boot = '', namespace = ''] = found
    const identity = { pid: Number(pid), start, host, boot, namespace }
    if (livenessOf(identity, shortened) === 'dead') await rm(join(directory, name), { force: true })
  }
}

/** Not the names themselves: a destination need not know what our machines are called. */
function shortened({ host, boot, namespace }: Place): Place {
  const short = (text: string): string => hash('sha256', text).slice(0, 12)
  return { host: short(host), boot: short(boot), namespace: short(namespace) }
}
