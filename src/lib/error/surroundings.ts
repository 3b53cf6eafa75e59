import { FionaError } from './fiona-error.ts'

/** A disk, a quota or a table of the kernel that is full or out of order: nothing that a record says. */
const codes = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM'])
/** One damaged file would otherwise stop everything that has nothing to do with it. */
const readingCalls = new Set(['read', 'open', 'readlink', 'stat', 'lstat', 'fstat', 'scandir'])
const deepestCause = 8

/**
 * Whether the machine is to blame and not what was being handled: the same succeeds when there is space,
 * or a descriptor, again. Looks at the causes of an error, too.
 * @returns `ENOSPC: write`, without a path, which may hold names; undefined when it is anything else
 */
export function troubleOfSurroundings(error: unknown): string | undefined {
  let at = error
  for (let depth = 0; at instanceof Error && depth < deepestCause; depth++, at = at.cause) {
    const { code, syscall } = at as NodeJS.ErrnoException
    if (at instanceof FionaError) {
      if (at.code === 'E_DISK_FULL' && at.cause === undefined) return at.code
      continue
    }
    if (code === undefined || !codes.has(code)) continue
    if (code === 'EIO' && readingCalls.has(syscall ?? '')) continue
    return syscall === undefined ? code : `${code}: ${syscall}`
  }
  return undefined
}
