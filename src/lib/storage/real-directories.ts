import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readlinkSync,
  realpathSync,
} from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'

/** Linux: an open directory has a name that means it, and no other, whatever happens to its path. */
const openFiles = '/proc/self/fd'
const hasOpenFiles = existsSync(openFiles)

const mostExpectations = 1000

/**
 * Directories below a root that are where their names say: no symbolic link leads elsewhere on the way from
 * the root. How the root itself is reached is its administrator's affair, once and for the life of this object.
 * Looked at behind the opening, so that nothing can be put in their place between the look and the use; where
 * there is no /proc, only before the use.
 */
export class RealDirectories {
  readonly #root: string
  readonly #refusal: (path: string) => FionaError
  #realRoot: string | undefined
  /** By path: it is asked several times for each object, and the names take longer than the kernel does. */
  readonly #expectations = new Map<string, string>()

  /** @param refusal what to throw where a path leads elsewhere */
  constructor(root: string, refusal: (path: string) => FionaError = leadsElsewhere) {
    this.#root = resolve(root)
    this.#refusal = refusal
  }

  /**
   * @param work gets a path to the directory that is good for as long as it runs
   * @throws FionaError the refusal (E_ARCHIVE_WRITE) when the path leads elsewhere; the error of open(2)
   */
  within<Result>(path: string, work: (directory: string) => Result): Result {
    if (!hasOpenFiles) {
      if (realpathSync.native(path) !== this.#expected(path)) throw this.#refusal(path)
      return work(path)
    }
    const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
    try {
      const directory = `${openFiles}/${String(fd)}`
      if (readlinkSync(directory) !== this.#expected(path)) {
        if (fstatSync(fd).nlink === 0) throw removed(path)
        throw this.#refusal(path)
      }
      return work(directory)
    } finally {
      closeSync(fd)
    }
  }

  /**
   * Before directories are made: what is there of the way is real.
   * @throws FionaError the refusal (E_ARCHIVE_WRITE)
   */
  requireWay(path: string): void {
    for (let at = resolve(path); at.length > this.#root.length; at = dirname(at)) {
      const found = realPath(at)
      if (found === undefined) continue
      if (found !== this.#expected(at)) throw this.#refusal(at)
      return
    }
  }

  #expected(path: string): string {
    const known = this.#expectations.get(path)
    if (known !== undefined) return known
    this.#realRoot ??= realpathSync.native(this.#root)
    const expected = join(this.#realRoot, relative(this.#root, resolve(path)))
    if (this.#expectations.size >= mostExpectations) this.#expectations.clear()
    this.#expectations.set(path, expected)
    return expected
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function removed(path: string): Error {
  return Object.assign(new Error(`ENOENT: ${path} was removed`), { code: 'ENOENT', path })
}

/** Something else than a file or directory of ours has its name. */
export function leadsElsewhere(path: string): FionaError {
  const message = `the archive cannot be written: a symbolic link leads out of it at ${path}`
  return new FionaError('E_ARCHIVE_WRITE', message, {
    hint: 'find out who made the link, remove it, then send again; nothing was written through it',
    retryable: true,
    exitCode: ExitCode.io,
  })
}
