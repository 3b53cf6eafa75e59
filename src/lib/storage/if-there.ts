import { readFile, readdir } from 'node:fs/promises'

/** @returns the text of a file; undefined when there is no such file */
export async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  })
}

/**
 * @param absent codes of errors that mean: there are none
 * @returns the names in a directory, sorted; none when there is no such directory
 */
export async function namesIn(
  directory: string,
  absent: readonly string[] = ['ENOENT'],
): Promise<string[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (absent.includes(String((error as NodeJS.ErrnoException).code))) return []
    throw error
  })
  return names.sort()
}
