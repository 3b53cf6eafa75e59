import { constants, type Stats } from 'node:fs'
import { lstat, open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ExitCode, FionaError } from '../../error/index.ts'

const mostBytes = 64 << 20

/**
 * A folder that only we, the owner of the data directory or root could have filled: no link to another
 * place, nobody else's, writable by nobody else.
 * @throws FionaError E_REVIEW when it is anything else
 */
export async function requireTrusted(folder: string, dataDir: string): Promise<void> {
  const about = await lstat(folder)
  if (!about.isDirectory()) throw untrusted(folder, 'is no folder')
  await requireOurs(folder, about, dataDir)
}

/**
 * The text of a file in such a folder, itself no link, pipe or device; undefined when it is not there.
 * @throws FionaError E_REVIEW
 */
export async function readTrusted(
  folder: string,
  name: string,
  dataDir: string,
): Promise<string | undefined> {
  const path = join(folder, name)
  try {
    await requireTrusted(folder, dataDir)
    // O_NONBLOCK: opening a pipe that nobody writes to must not hang.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    const handle = await open(path, flags)
    try {
      const about = await handle.stat()
      if (!about.isFile() || about.size > mostBytes) throw untrusted(path, 'is no file of ours')
      await requireOurs(path, about, dataDir)
      return await handle.readFile('utf8')
    } finally {
      await handle.close()
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    if (code === 'ELOOP') throw untrusted(path, 'is a link')
    if (code === 'EACCES') throw untrusted(path, 'cannot be read by this user')
    throw error
  }
}

async function requireOurs(path: string, { uid, mode }: Stats, dataDir: string): Promise<void> {
  const owners = [0, process.getuid?.(), (await stat(dataDir)).uid]
  if (!owners.includes(uid)) throw untrusted(path, 'belongs to another user')
  if ((mode & 0o022) !== 0) throw untrusted(path, 'can be changed by others')
}

function untrusted(path: string, why: string): FionaError {
  return new FionaError('E_REVIEW', `${path} ${why}`, {
    hint: 'find out who put it there; fiona-anon follows only what it has written itself',
    exitCode: ExitCode.notAllowed,
  })
}
