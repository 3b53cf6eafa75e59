import { hash } from 'node:crypto'
import { lstatSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** What is asked of a file system. */
export interface Names {
  /** What tells an entry from all others; undefined where there is none of that name. */
  readonly identityOf: (path: string) => string | undefined
  /** As they are written. */
  readonly namesIn: (directory: string) => readonly string[]
}

const onDisk: Names = {
  identityOf: (path) => {
    try {
      const found = lstatSync(path, { throwIfNoEntry: false, bigint: true })
      return found === undefined ? undefined : `${String(found.dev)} ${String(found.ino)}`
    } catch {
      // Something is in the way, or may not be looked at: whoever makes the directory hears of it.
      return undefined
    }
  },
  namesIn: (directory) => readdirSync(directory),
}

/**
 * The path of a directory, or, where a file system takes it for that of another one (`P1` and `p1` over a share, on
 * APFS, or with ext4's casefold), the path with a digest of its name behind: what belongs to two patients does not
 * get into one directory. Whoever comes first has the plain name. Elsewhere it costs two looks.
 */
export function apartByCase(path: string, names: Names = onDisk): string {
  const [directory, name] = [dirname(path), basename(path)]
  const other = otherCase(name)
  const identity = other === name ? undefined : names.identityOf(path)
  if (identity === undefined || identity !== names.identityOf(join(directory, other))) return path
  if (names.namesIn(directory).includes(name)) return path
  return `${path}~${hash('sha256', name).slice(0, 8)}`
}

function otherCase(name: string): string {
  const upper = name.toUpperCase()
  return upper === name ? name.toLowerCase() : upper
}
