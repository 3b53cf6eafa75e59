import { randomBytes } from 'node:crypto'
import { ExitCode, FionaError } from '../error/index.ts'
import { createExclusively } from '../storage/index.ts'

const keyBytes = 32

/**
 * A new key file, for its owner alone and on stable storage. Never over one that is there.
 * @param key what shall be in it: random unless told
 * @throws FionaError E_KEY_EXISTS, E_KEY_WRITE
 */
export async function createKeyFile(
  path: string,
  key: Buffer = randomBytes(keyBytes),
): Promise<Buffer> {
  let isMade: boolean
  try {
    isMade = await createExclusively(path, key, { mode: 0o600, durable: true })
  } catch (error) {
    throw new FionaError(
      'E_KEY_WRITE',
      `no key can be written to ${path} (${String((error as NodeJS.ErrnoException).code)})`,
      {
        hint: 'name a file in a folder that is there and that only the service can enter',
        exitCode: ExitCode.cannotCreate,
        cause: error,
      },
    )
  }
  if (isMade) return key
  throw new FionaError(
    'E_KEY_EXISTS',
    `${path} is there already, and no key is ever written over`,
    {
      hint: 'name another file; without the old key no later study joins an earlier one of the same participant',
      exitCode: ExitCode.cannotCreate,
    },
  )
}

/** Whether it looks like a secret: text of a few letters, or a file of zeros, can be guessed. */
export function looksRandom(key: Buffer): boolean {
  return new Set(key).size >= Math.min(20, key.length / 2)
}
