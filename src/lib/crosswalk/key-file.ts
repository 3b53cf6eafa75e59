import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { isOpenToOthers } from '../config/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'

const leastBytes = 32
const mostBytes = 1 << 20

/**
 * The secret all pseudonyms come from: any file of 32 bytes or more that nobody but its owner can read.
 * @throws FionaError E_KEY_MISSING, E_KEY_INVALID (exit 78), E_KEY_MODE (exit 77)
 */
export async function readKeyFile(path: string): Promise<Buffer> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(
    (error: unknown) => {
      throw unreadable(path, error)
    },
  )
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) throw bad(`the key file ${path} is not a regular file`)
    if (isOpenToOthers(path, stat.mode)) {
      const mode = (stat.mode & 0o777).toString(8)
      throw new FionaError('E_KEY_MODE', `others may use the key file ${path} (mode ${mode})`, {
        hint: `chmod 600 ${path}; if others may have read it, make a new key`,
        exitCode: ExitCode.notAllowed,
      })
    }
    if (stat.size < leastBytes || stat.size > mostBytes) {
      throw bad(
        `the key file ${path} has ${String(stat.size)} bytes, not ${String(leastBytes)} or more`,
      )
    }
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}

export function missingKey(): FionaError {
  return new FionaError('E_KEY_MISSING', 'no key file: pseudonyms need a secret', {
    hint: `give one with --key-file or deidentification.keyFile; ${howToMake('KEYFILE')}`,
    exitCode: ExitCode.badConfig,
  })
}

function howToMake(path: string): string {
  return `make one with fiona-crosswalk key create ${path} (or (umask 077; head -c 32 /dev/urandom > ${path})), and keep a copy in a safe place`
}

function unreadable(path: string, cause: unknown): FionaError {
  const code = (cause as NodeJS.ErrnoException).code
  if (code === 'ENOENT') {
    return new FionaError('E_KEY_MISSING', `no key file at ${path}`, {
      hint: howToMake(path),
      exitCode: ExitCode.badConfig,
      cause,
    })
  }
  return new FionaError('E_KEY_MODE', `the key file ${path} cannot be read (${String(code)})`, {
    hint: 'it must belong to the user this runs as, with mode 0600',
    exitCode: ExitCode.notAllowed,
    cause,
  })
}

function bad(message: string): FionaError {
  return new FionaError('E_KEY_INVALID', message, {
    hint: howToMake('KEYFILE'),
    exitCode: ExitCode.badConfig,
  })
}
