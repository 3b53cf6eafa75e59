import type { Readable } from 'node:stream'
import type { Entry } from './entry.ts'
import { joinPath } from './file-path.ts'
import { admitFromTool, entriesOfLines } from './entries-of-lines.ts'
import { readChunks, untilAborted } from './until-aborted.ts'
import { entriesOfName } from './walk.ts'

export interface ArgumentOptions {
  /** Read where no path is given, and for `-`. */
  readonly input: Readable
  readonly isNulSeparated: boolean
  readonly signal: AbortSignal
}

/** All that the paths of a command line stand for, in their order. */
export function entriesOfArguments(
  paths: readonly string[],
  options: ArgumentOptions,
): AsyncGenerator<Entry, void, undefined> {
  return untilAborted(allEntries(paths.length === 0 ? ['-'] : paths, options), options.signal)
}

async function* allEntries(
  paths: readonly string[],
  { input, isNulSeparated, signal }: ArgumentOptions,
): AsyncGenerator<Entry, void, undefined> {
  for (const path of paths) {
    // Absolute, so that what is said of it holds elsewhere, too; `..` behind a link stays what the kernel makes of it.
    if (path !== '-') {
      yield* entriesOfName(path.startsWith('/') ? path : joinPath(process.cwd(), path))
    } else {
      yield* entriesOfLines(readChunks(input, signal), {
        separator: isNulSeparated ? 0 : undefined,
        base: process.cwd(),
        admit: admitFromTool,
        signal,
      })
    }
  }
}
