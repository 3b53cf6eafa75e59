import {
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'
import { RealDirectories, temporaryPath } from '../storage/index.ts'
import { faultPoint } from '../fault/index.ts'

// Synchronous calls: a link takes some ten microseconds, its way through the thread pool five times that.

export type Linked = 'made' | 'there' | 'replaced'

/** What a link at `path` must say to lead to `target`: relative below `root`, which may then be moved as a whole. */
export function linkText(root: string, path: string, target: string): string {
  const folder = dirname(target)
  const key = [root, dirname(path), folder].join('\0')
  let way = knownWays.get(key)
  if (way === undefined) {
    way = isBelow(root, target) ? relative(dirname(path), folder) : null
    if (knownWays.size >= mostKnown) knownWays.clear()
    knownWays.set(key, way)
  }
  return way === null ? target : join(way, basename(target))
}

/**
 * From the folder of a link to that of its target, null where that lies elsewhere: the same for all objects of a series,
 * and finding it takes as long as making the link.
 */
const knownWays = new Map<string, string | null>()
const mostKnown = 1000

/**
 * Directories and links of the views below a data directory. No symbolic link that somebody put in the place
 * of a directory is followed: nothing is made behind it.
 */
export class ViewTree {
  readonly #root: string
  readonly #mends: boolean
  readonly #real: RealDirectories
  /** The last one was there already: in a replay all are. A failure costs more than a look, a look more than none. */
  #looksFirst = false

  /** @param mends every link that says another thing than it should is replaced, also one that leads to a file */
  constructor(root: string, { mends = false } = {}) {
    this.#root = resolve(root)
    this.#mends = mends
    this.#real = new RealDirectories(root, ledElsewhere)
  }

  /**
   * A symbolic link, made once. One that is there stays, unless its file is gone, or the new one lies in
   * the archive and the old one did not.
   */
  link(path: string, target: string): Linked {
    const text = linkText(this.#root, path, target)
    const linked = this.#within(dirname(path), (directory) => {
      const name = join(directory, basename(path))
      const isThere = this.#looksFirst && lstatSync(name, { throwIfNoEntry: false }) !== undefined
      if (!isThere && makeLink(name, text)) return 'made'
      return keepOrReplace(directory, name, { path, text, mends: this.#mends })
    })
    this.#looksFirst = linked !== 'made'
    return linked
  }

  /**
   * Made one by one: Node's own recursive mkdir never ends where a name can be neither found nor made.
   * @returns the directories that were made, or changed by making one in them
   */
  makeDirectory(path: string): string[] {
    const missing: string[] = []
    let at = resolve(path)
    for (; !existsSync(at); at = dirname(at)) missing.push(at)
    if (missing.length === 0) return []
    for (const directory of missing.toReversed()) {
      // How the data directory is reached is its administrator's affair.
      if (!isBelow(this.#root, directory)) makeUnlessThere(directory, directory)
      else {
        this.#within(dirname(directory), (parent) => {
          makeUnlessThere(join(parent, basename(directory)), directory)
        })
      }
    }
    return [...missing, at]
  }

  /** @throws FionaError E_VIEW_BLOCKED */
  requireReal(directory: string): void {
    this.#within(directory, () => undefined)
  }

  #within<Result>(path: string, work: (directory: string) => Result): Result {
    try {
      return this.#real.within(path, work)
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (code === 'ENOTDIR' || code === 'ELOOP') throw blocked(path, 'a directory')
      throw error
    }
  }
}

/** @returns false when something of this name is there */
function makeLink(name: string, text: string): boolean {
  try {
    symlinkSync(text, name)
    faultPoint('organize.linked')
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  }
}

function keepOrReplace(
  directory: string,
  name: string,
  { path, text, mends }: { readonly path: string; readonly text: string; readonly mends: boolean },
): Linked {
  if (!lstatSync(name).isSymbolicLink()) throw blocked(path, 'a link')
  const before = readlinkSync(name)
  if (before === text) return 'there'
  const isWrong = mends || (isAbsolute(before) && !isAbsolute(text))
  if (!isWrong && statSync(name, { throwIfNoEntry: false }) !== undefined) return 'there'
  const temporary = temporaryPath(directory)
  symlinkSync(text, temporary)
  renameSync(temporary, name)
  return 'replaced'
}

/** Another process may make it in the same moment. */
function makeUnlessThere(directory: string, path: string): void {
  try {
    mkdirSync(directory, { mode: 0o750 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    if (!lstatSync(directory).isDirectory()) throw blocked(path, 'a directory')
  }
}

function ledElsewhere(path: string): FionaError {
  return new FionaError('E_VIEW_BLOCKED', `a symbolic link leads out of the views at ${path}`, {
    hint: 'find out who made it, and remove it; nothing was made behind it. Then replay the record',
    exitCode: ExitCode.cannotCreate,
  })
}

function blocked(path: string, what: string): FionaError {
  return new FionaError('E_VIEW_BLOCKED', `${path} is in the way of ${what}`, {
    hint: 'views hold links only; move it elsewhere and replay the record',
    exitCode: ExitCode.cannotCreate,
  })
}

function isBelow(root: string, path: string): boolean {
  return resolve(path).startsWith(resolve(root) + sep)
}
