import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'
import { syncDirectory } from '../storage/index.ts'
import { csvOf } from './link-table.ts'
import type { Link } from './link.ts'

/**
 * Links that anybody who has the file can read: for a hand-over, mode 0600, never over a file that is there.
 * @throws FionaError E_EXPORT
 */
export async function writeExport(
  path: string,
  links: readonly Link[],
  format: 'ndjson' | 'csv',
): Promise<void> {
  try {
    const handle = await open(path, 'wx', 0o600)
    try {
      for (const line of format === 'csv' ? csvOf(links) : ndjsonOf(links)) {
        await handle.writeFile(line)
      }
      await handle.sync()
    } finally {
      await handle.close()
    }
    await syncDirectory(dirname(path))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new FionaError('E_EXPORT', `the links cannot be written to ${path} (${String(code)})`, {
      hint:
        code === 'EEXIST'
          ? 'name a file that is not there yet'
          : 'name a file in a folder of your own',
      exitCode: ExitCode.cannotCreate,
      cause: error,
    })
  }
}

function* ndjsonOf(links: readonly Link[]): Generator<string, void, undefined> {
  for (const link of links) yield `${JSON.stringify(link)}\n`
}
