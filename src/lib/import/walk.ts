import type { Dirent } from 'node:fs'
import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { FionaError } from '../error/index.ts'
import type { Entry } from './entry.ts'
import { filePath, joinPath, shownPath, type FilePath } from './file-path.ts'
import { notAFile, specialKind, unreadable } from './file-trouble.ts'

interface Named {
  readonly name: FilePath
  readonly kind: Dirent | Dirent<Buffer>
}

interface Level {
  readonly folder: FilePath
  readonly entries: readonly Named[]
  next: number
}

/**
 * Everything in a folder and its folders, sorted by name, so that two walks over the same tree find the
 * same in the same order. Links to folders are not followed. Memory is that of the names in the folders on
 * the way down, not of the tree.
 * @param root a real path
 */
export async function* walk(root: FilePath): AsyncGenerator<Entry, void, undefined> {
  const stack: Level[] = []
  const enter = async (folder: FilePath): Promise<Entry | undefined> => {
    try {
      stack.push({ folder, entries: await entriesOf(folder), next: 0 })
      return undefined
    } catch (error) {
      return trouble(folder, unreadable(folder, error))
    }
  }
  const refused = await enter(root)
  if (refused !== undefined) yield refused
  for (let level = stack.at(-1); level !== undefined; level = stack.at(-1)) {
    const entry = level.entries[level.next++]
    if (entry === undefined) {
      stack.pop()
      continue
    }
    const path = joinPath(level.folder, entry.name)
    if (entry.kind.isFile()) yield { kind: 'file', path, isWalked: true }
    else if (entry.kind.isDirectory()) {
      const unread = await enter(path)
      if (unread !== undefined) yield unread
    } else if (entry.kind.isSymbolicLink()) yield await followLink(path)
    else yield trouble(path, notAFile(path, specialKind(entry.kind)))
  }
}

/** What a name that somebody gave stands for: a file, or all that is in a folder. Links are followed: they were meant. */
export async function* entriesOfName(
  name: FilePath,
  source?: Extract<Entry, { kind: 'file' }>['source'],
): AsyncGenerator<Entry, void, undefined> {
  let path: FilePath
  let found
  let isLink
  try {
    path = await realPath(name)
    found = await stat(path)
    isLink = (await lstat(name)).isSymbolicLink()
  } catch (error) {
    yield trouble(name, unreadable(name, error))
    return
  }
  if (found.isDirectory()) {
    for await (const entry of walk(path)) {
      yield source !== undefined && entry.kind === 'file' ? { ...entry, source } : entry
    }
    yield { kind: 'folderEnd' }
  } else if (found.isFile()) {
    yield { kind: 'file', path, isWalked: false, source, ...(isLink ? { link: name } : {}) }
  } else yield trouble(name, notAFile(name, specialKind(found)))
}

async function entriesOf(folder: FilePath): Promise<Named[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  // U+FFFD stands where bytes were no UTF-8, or is in the name itself: the bytes tell.
  const isText = typeof folder === 'string' && !entries.some(({ name }) => name.includes('\ufffd'))
  const named: Named[] = isText
    ? entries.map((kind) => ({ name: kind.name, kind }))
    : (await readdir(folder, { withFileTypes: true, encoding: 'buffer' })).map((kind) => ({
        name: filePath(kind.name),
        kind,
      }))
  return named.sort((a, b) => compare(a.name, b.name))
}

function compare(a: FilePath, b: FilePath): number {
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
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

function trouble(path: FilePath, error: unknown): Entry {
  if (!(error instanceof FionaError)) throw error
  return { kind: 'trouble', error, input: shownPath(path) }
}
