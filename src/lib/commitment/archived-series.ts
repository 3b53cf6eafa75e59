import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
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
  const entries = await entriesIn(path)
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name))
}

/** Names of the files in the directory of a series; symbolic links are none. */
export async function filesIn(path: string): Promise<string[]> {
  const entries = await entriesIn(path)
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
}

async function entriesIn(path: string): Promise<Dirent[]> {
  return readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  })
}
