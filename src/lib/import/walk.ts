import { lstat, realpath, stat } from 'node:fs/promises'
import { FionaError } from '../error/index.ts'
import type { Entry } from './entry.ts'
import { filePath, joinPath, type FilePath } from './file-path.ts'
import { notAFile, specialKind, unreadable } from './file-trouble.ts'
import { namesInFolder, type Named } from './names-in-folder.ts'
import { pathRecord, type PathFacts } from './path-record.ts'

interface Level {
  readonly folder: FilePath
  readonly names: AsyncGenerator<Named, void, undefined>
  isEmpty: boolean
}

export interface WalkOptions {
  /** Names, of files and folders, that are as if they were not there. */
  readonly ignores?: (name: FilePath) => boolean
}

/**
 * Everything in a folder and its folders, sorted by name, so that two walks over the same tree find the
 * same in the same order; folders of very many names are taken as the file system lists them. Links to
 * folders are not followed. Memory is that of the names in the folders on the way down, not of the tree.
 * @param root a real path
 */
export async function* walk(
  root: FilePath,
  { ignores }: WalkOptions = {},
): AsyncGenerator<Entry, void, undefined> {
  const stack: Level[] = []
  const enter = (folder: FilePath): void => {
    stack.push({ folder, names: namesInFolder(folder), isEmpty: true })
  }
  try {
    enter(root)
    for (let level = stack.at(-1); level !== undefined; level = stack.at(-1)) {
      const { folder, names } = level
      let next: IteratorResult<Named, void>
      try {
        next = await names.next()
      } catch (error) {
        stack.pop()
        yield trouble(folder, unreadable(folder, error))
        continue
      }
      if (next.done === true) {
        stack.pop()
        if (level.isEmpty) yield { kind: 'emptyFolder', path: folder }
        continue
      }
      const { name, kind } = next.value
      level.isEmpty = false
      if (ignores?.(name) === true) continue
      const path = joinPath(folder, name)
      if (kind.isFile()) yield { kind: 'file', path, isWalked: true }
      else if (kind.isDirectory()) enter(path)
      else if (kind.isSymbolicLink()) yield await followLink(path)
      else yield trouble(path, notAFile(path, specialKind(kind)))
    }
  } finally {
    for (const { names } of stack) await names.return()
  }
}

/** What a name that somebody gave stands for: a file, or all that is in a folder. Links are followed: they were meant. */
export async function* entriesOfName(
  name: FilePath,
  facts: PathFacts = {},
): AsyncGenerator<Entry, void, undefined> {
  let path: FilePath
  let found
  let isLink
  try {
    path = await realPath(name)
    found = await stat(path)
    isLink = (await lstat(name)).isSymbolicLink()
  } catch (error) {
    yield trouble(name, unreadable(name, error), facts)
    return
  }
  if (found.isDirectory()) {
    for await (const entry of walk(path)) {
      if (entry.kind === 'file') yield { ...entry, source: facts.source }
      else yield entry
    }
    yield { kind: 'folderEnd' }
  } else if (found.isFile()) {
    yield { kind: 'file', path, isWalked: false, ...facts, ...(isLink ? { link: name } : {}) }
  } else yield trouble(name, notAFile(name, specialKind(found)), facts)
}

async function followLink(link: FilePath): Promise<Entry> {
  try {
    const path = await realPath(link)
    const target = await stat(path)
    if (target.isFile()) return { kind: 'file', path, isWalked: true, link }
    if (target.isDirectory()) return { kind: 'linkedFolder', path: link }
    return trouble(link, notAFile(link, `a link to ${specialKind(target)}`))
  } catch (error) {
    // Two links that point to each other are no race: there is just nothing behind them.
    const isLoop = (error as NodeJS.ErrnoException).code === 'ELOOP'
    const missing = Object.assign(new Error('ELOOP'), { code: 'ENOENT' })
    return trouble(link, unreadable(link, isLoop ? missing : error))
  }
}

async function realPath(path: FilePath): Promise<FilePath> {
  return filePath(await realpath(path, 'buffer'))
}

function trouble(path: FilePath, error: unknown, facts?: PathFacts): Entry {
  if (!(error instanceof FionaError)) throw error
  return { kind: 'trouble', error, input: pathRecord(path, facts) }
}
