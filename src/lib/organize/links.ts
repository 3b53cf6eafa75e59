import {
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'
import { temporaryPath } from '../storage/index.ts'
import { faultPoint } from '../fault/index.ts'

// Synchronous calls: a link takes some ten microseconds, its way through the thread pool five times that.

export type Linked = 'made' | 'there' | 'replaced'

/** What a link at `path` must say to lead to `target`: relative below `root`, which may then be moved as a whole. */
export function linkText(root: string, path: string, target: string): string {
  return isBelow(root, target) ? relative(dirname(path), target) : target
}

/**
 * A symbolic link, made once. One that is there stays, unless its file is gone, or the new one lies in
 * the archive and the old one did not.
 */
export function link(root: string, path: string, target: string): Linked {
  const text = linkText(root, path, target)
  try {
    symlinkSync(text, path)
    faultPoint('organize.linked')
    return 'made'
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  if (!lstatSync(path).isSymbolicLink()) {
    throw new FionaError('E_VIEW_BLOCKED', `${path} is in the way of a link`, {
      hint: 'views hold links only; move the file elsewhere and replay the record',
      exitCode: ExitCode.cannotCreate,
    })
  }
  const before = readlinkSync(path)
  if (before === text) return 'there'
  const leadsOut = isAbsolute(before) && !isAbsolute(text)
  if (!leadsOut && statSync(path, { throwIfNoEntry: false }) !== undefined) return 'there'
  const temporary = temporaryPath(dirname(path))
  symlinkSync(text, temporary)
  renameSync(temporary, path)
  return 'replaced'
}

/**
 * Made one by one: Node's own recursive mkdir never ends where a name can be neither found nor made.
 * @returns the directories that were made, or changed by making one in them
 */
export function makeViewDirectory(path: string): string[] {
  const missing: string[] = []
  let at = resolve(path)
  for (; !existsSync(at); at = dirname(at)) missing.push(at)
  if (missing.length === 0) return []
  for (const directory of missing.toReversed()) makeUnlessThere(directory)
  return [...missing, at]
}

/** Another process may make it in the same moment. */
function makeUnlessThere(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o750 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

function isBelow(root: string, path: string): boolean {
  return resolve(path).startsWith(resolve(root) + sep)
}
