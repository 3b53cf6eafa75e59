import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { ExitCode, FionaError } from '../error/index.ts'

/**
 * A file that no one but its owner can read: the crosswalk, or its audit trail.
 * @param how `write` makes it where it is not there
 * @throws FionaError E_CROSSWALK_MODE, E_CROSSWALK_MISSING
 */
export async function openPrivate(path: string, how: 'read' | 'write'): Promise<FileHandle> {
  const flags =
    how === 'read' ? constants.O_RDONLY : constants.O_RDWR | constants.O_CREAT | constants.O_APPEND
  // O_NONBLOCK: opening a pipe that nobody writes to must not hang.
  const handle = await open(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600).catch(
    (error: unknown) => {
      throw openError(path, error)
    },
  )
  try {
    const about = await handle.stat()
    if (!about.isFile()) throw notAllowed(`${path} is no regular file`, 'find out who put it there')
    if ((about.mode & 0o077) !== 0) {
      throw notAllowed(`others may read the crosswalk ${path}`, `chmod 600 ${path}`)
    }
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}

function openError(path: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ELOOP') return notAllowed(`${path} is a link`, 'name the file itself')
  if (code === 'EACCES') {
    return notAllowed(
      `the crosswalk ${path} cannot be opened by this user`,
      'run it as the user of the service, or with sudo',
    )
  }
  if (code !== 'ENOENT') return error
  return new FionaError('E_CROSSWALK_MISSING', `no crosswalk at ${path}`, {
    hint: 'fiona-anon makes it with the first study; another place is given with --crosswalk, --data-dir or --config',
    exitCode: ExitCode.badInput,
    cause: error,
  })
}

function notAllowed(message: string, hint: string): FionaError {
  return new FionaError('E_CROSSWALK_MODE', message, { hint, exitCode: ExitCode.notAllowed })
}
