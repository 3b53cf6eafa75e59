import type { Dirent } from 'node:fs'
import { opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The directory of every series in the archives below `dataDir`, studies that something was added to
 * last first. One question to the file system at a time, so that a large archive keeps neither the disk
 * nor the thread pool from those who receive.
 * @throws when the signal aborts
 */
export async function* archivedSeries(
  dataDir: string,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const studies: { readonly path: string; readonly changed: number }[] = []
  for (const project of await directoriesIn(dataDir)) {
    for (const path of await directoriesIn(join(project, 'archive'))) {
      signal.throwIfAborted()
      const found = await stat(path).catch(() => undefined)
      if (found !== undefined) studies.push({ path, changed: found.mtimeMs })
    }
  }
  studies.sort((a, b) => b.changed - a.changed)
  for (const { path } of studies) yield* await directoriesIn(path)
}

/** [] for what is no directory, or no longer there. */
async function directoriesIn(path: string): Promise<string[]> {
  const directories: string[] = []
  for await (const entry of entriesIn(path)) {
    if (entry.isDirectory()) directories.push(join(path, entry.name))
  }
  return directories
}

/**
 * Names of the files in the directory of a series, as they are read: thousands at once, held for as long as
 * each is looked at, would outlive many collections. Symbolic links are none.
 */
export async function* filesIn(path: string): AsyncGenerator<string, void, undefined> {
  for await (const entry of entriesIn(path)) if (entry.isFile()) yield entry.name
}

async function* entriesIn(path: string): AsyncGenerator<Dirent, void, undefined> {
  try {
    yield* await opendir(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error
  }
}
