import { readGuardedFile, type UnfitFile } from '../config/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'

const leastBytes = 32
const mostBytes = 1 << 20

/**
 * The secret all pseudonyms come from: any file of 32 bytes or more that nobody but its owner can read.
 * @throws FionaError E_KEY_MISSING, E_KEY_INVALID (exit 78), E_KEY_MODE (exit 77)
 */
export async function readKeyFile(path: string): Promise<Buffer> {
  return readGuardedFile({ path, leastBytes, mostBytes, refuse: (unfit) => refusal(path, unfit) })
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

function refusal(path: string, unfit: UnfitFile): FionaError {
  switch (unfit.why) {
    case 'unreadable':
      return unreadable(path, unfit.code, unfit.cause)
    case 'notRegular':
      return bad(`the key file ${path} is not a regular file`)
    case 'openToOthers':
      return new FionaError(
        'E_KEY_MODE',
        `others may use the key file ${path} (mode ${unfit.mode})`,
        {
          hint: `chmod 600 ${path}; if others may have read it, make a new key`,
          exitCode: ExitCode.notAllowed,
        },
      )
    case 'size':
      return bad(
        `the key file ${path} has ${String(unfit.bytes)} bytes, not ${String(leastBytes)} or more`,
      )
  }
}

function unreadable(path: string, code: string, cause: unknown): FionaError {
  if (code === 'ENOENT') {
    return new FionaError('E_KEY_MISSING', `no key file at ${path}`, {
      hint: howToMake(path),
      exitCode: ExitCode.badConfig,
      cause,
    })
  }
  return new FionaError('E_KEY_MODE', `the key file ${path} cannot be read (${code})`, {
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
