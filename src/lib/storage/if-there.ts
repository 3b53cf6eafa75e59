import { readFile, readdir } from 'node:fs/promises'

/** @returns the bytes of a file; undefined when there is no such file */
export async function bytesIfThere(path: string): Promise<Buffer | undefined> {
  return readFile(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  })
}

/** @returns the text of a file; undefined when there is no such file */
export async function readIfThere(path: string): Promise<string | undefined> {
  return (await bytesIfThere(path))?.toString('utf8')
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
