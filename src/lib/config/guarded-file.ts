import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FionaError } from '../error/index.ts'
import { isOpenToOthers } from './credential.ts'

/** Why the file of a secret is not taken. */
export type UnfitFile =
  /** `code`: the error of open(2). */
  | { readonly why: 'unreadable'; readonly code: string; readonly cause: unknown }
  | { readonly why: 'notRegular' }
  /** `mode`: in octal, as chmod(1) takes it. */
  | { readonly why: 'openToOthers'; readonly mode: string }
  | { readonly why: 'size'; readonly bytes: number }

interface GuardedFile {
  readonly path: string
  readonly leastBytes?: number
  readonly mostBytes: number
  /** The error to throw; what is in the file is told to nobody. */
  readonly refuse: (unfit: UnfitFile) => FionaError
}

/** All of a file that holds a secret: a regular one that nobody but its owner can read. */
export async function readGuardedFile(file: GuardedFile): Promise<Buffer> {
  const { path, leastBytes = 0, mostBytes, refuse } = file
  // O_NONBLOCK: opening a pipe that nobody writes to must not hang.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK
  const handle = await open(path, flags).catch((cause: unknown) => {
    throw refuse({ why: 'unreadable', code: String((cause as NodeJS.ErrnoException).code), cause })
  })
  try {
    const about = await handle.stat()
    if (!about.isFile()) throw refuse({ why: 'notRegular' })
    if (isOpenToOthers(path, about.mode)) {
      throw refuse({ why: 'openToOthers', mode: (about.mode & 0o777).toString(8) })
    }
    if (about.size < leastBytes || about.size > mostBytes) {
      throw refuse({ why: 'size', bytes: about.size })
    }
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}
