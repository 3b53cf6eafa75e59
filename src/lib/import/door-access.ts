import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ExitCode, FionaError } from '../error/index.ts'
import type { DoorAccess } from './front-door.ts'

/**
 * What the configuration says of the pipes, as the kernel wants it.
 * @throws FionaError E_CONFIG for a group that the machine does not know
 */
export async function doorAccess(configured: {
  readonly mode: string
  readonly group?: string | undefined
}): Promise<DoorAccess> {
  const mode = Number.parseInt(configured.mode, 8)
  const { group } = configured
  if (group === undefined) return { mode }
  return { mode, gid: /^\d+$/.test(group) ? Number(group) : await idOf(group) }
}

/** Node has no getgrnam(3); groups may come from a directory service, so /etc/group is not enough. */
async function idOf(group: string): Promise<number> {
  try {
    const { stdout } = await promisify(execFile)('getent', ['group', '--', group])
    const id = stdout.split(':')[2]
    if (id !== undefined) return Number(id)
  } catch {
    // Told below: getent ends with 2 where there is none.
  }
  throw new FionaError('E_CONFIG', `frontDoors.group: there is no group ${group} on this machine`, {
    hint: 'getent group lists them',
    exitCode: ExitCode.badConfig,
  })
}
